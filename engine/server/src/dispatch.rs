//! What a whole request is, in the order in which AWS checks it: method, path, type, target, signature,
//! body. Not its bytes: see `http`; not its answer: see `service`.

use std::borrow::Cow;
use std::rc::Rc;

use bytes::Bytes;
use flywheel_api::{ApiError, ErrorCode};
use serde::de::IgnoredAny;

use crate::content::{Damage, Encoding, takes_gzip};
use crate::core::Core;
use crate::http::response::Shape;
use crate::http::{Head, Reply};
use crate::metrics::{Row, write_page};
use crate::service::{Api, Call, OperationName, Service};
use crate::wire::{AMZ_JSON, JSON, UNKNOWN_OPERATION};
use crate::{cors, health, target};

/// Where the hottest keys are shown, and what a service is asked for them as.
const HOT: &str = "/hot";

/// The name by which a service is asked for the hottest keys, of [`Api::Pages`].
pub(crate) const HOT_KEYS: &str = "HotKeys";

/// What is to be done about a request.
#[derive(Debug)]
pub(crate) enum Decision {
    /// Say this.
    Reply(Reply),
    /// Ask the service.
    Call(Call),
}

/// A request that was read to its end.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) decision: Decision,
    pub(crate) shape: Shape,
    pub(crate) row: Row,
}

/// Decides about a request with this body, as it was sent.
pub(crate) fn decide<S: Service>(
    core: &Core<S>,
    head: &Head<'_, '_>,
    body: Cow<'_, [u8]>,
) -> Request {
    let mut shape = Shape {
        request_id: core.request_id(),
        amz_json: false,
        has_origin: head.has("origin"),
        takes_gzip: head.header("accept-encoding").is_some_and(takes_gzip),
        keep_alive: head.keep_alive,
        is_old: head.is_old,
    };
    let by_hand = move |reply| Request { decision: Decision::Reply(reply), shape, row: Row::NONE };
    match head.method {
        "OPTIONS" if shape.has_origin => {
            let reply = Reply::new(200, &b""[..]);
            return by_hand(Reply { extra: cors::preflight(head), ..reply });
        }
        "GET" if head.path == HOT && core.options.settings.shows_hot_keys => {
            if is_from_a_page(head) {
                return by_hand(Reply::text(
                    403,
                    "hot keys are not shown to web pages; ask by the server's IP address, or localhost\n",
                ));
            }
            let operation = OperationName::new(Api::Pages, HOT_KEYS).expect("letters");
            let (request_id, access_key) = (shape.request_id, Rc::from(""));
            let call = Call { operation, body: Bytes::new(), request_id, access_key };
            return Request { decision: Decision::Call(call), shape, row: Row::NONE };
        }
        "GET" => return by_hand(page(core, head)),
        "POST" if head.path == "/" => {}
        // A response to HEAD ends with its head, whatever it says.
        "HEAD" => return by_hand(Reply::new(404, &b""[..])),
        _ => return by_hand(Reply::new(404, UNKNOWN_OPERATION)),
    }
    let content_type = head.header("content-type").unwrap_or_default();
    let media_type = content_type.split(';').next().unwrap_or_default().trim();
    shape.amz_json = media_type.eq_ignore_ascii_case(AMZ_JSON);
    let is_known = shape.amz_json || media_type.eq_ignore_ascii_case(JSON);
    let is_nothing = content_type.is_empty() && body.is_empty();
    if !is_known && !is_nothing {
        return by_hand(Reply::new(404, UNKNOWN_OPERATION));
    }
    let operation = head.header("x-amz-target").and_then(target::operation);
    let operation = operation.filter(|operation| core.service.knows(operation));
    let row = operation.as_ref().map_or(Row::NONE, |operation| Row::of(operation));
    let decision = match call(core, head, operation, shape, body) {
        Ok(call) => Decision::Call(call),
        Err(error) => Decision::Reply(error_reply(&error, shape)),
    };
    Request { decision, shape, row }
}

/// Whether a page in somebody's browser may be asking, who cannot know: another site's, or one that gives this address a
/// name of its own.
fn is_from_a_page(head: &Head<'_, '_>) -> bool {
    let host = head.header("host").unwrap_or_default();
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    };
    let name = name.trim_matches(['[', ']']);
    let is_address = name == "localhost" || name.parse::<std::net::IpAddr>().is_ok();
    head.has("origin") || !is_address
}

/// An error as a response.
pub(crate) fn error_reply(error: &ApiError, shape: Shape) -> Reply {
    let content_type = shape.json_type();
    Reply { content_type, ..Reply::new(error.code.status(), error.to_json()) }
}

fn call<S: Service>(
    core: &Core<S>,
    head: &Head<'_, '_>,
    operation: Option<OperationName>,
    shape: Shape,
    body: Cow<'_, [u8]>,
) -> Result<Call, ApiError> {
    let encoding = Encoding::of(head.header("content-encoding")).map_err(damaged)?;
    let checked = operation.ok_or_else(|| ApiError::new(ErrorCode::UnknownOperation, "")).and_then(
        |operation| {
            let now = (core.options.clock)();
            Ok((operation, core.verifier.verify(head, &body, now)?))
        },
    );
    let (operation, access_key) =
        checked.map_err(|error| unless_no_json(error, encoding, &body))?;
    let body = match encoding {
        Some(encoding) => Bytes::from(encoding.inflate(&body).map_err(damaged)?),
        None => match body {
            Cow::Borrowed(body) => Bytes::copy_from_slice(body),
            Cow::Owned(body) => Bytes::from(body),
        },
    };
    if body.is_empty() {
        return Err(ApiError::new(ErrorCode::Serialization, ""));
    }
    Ok(Call { operation, body, request_id: shape.request_id, access_key })
}

/// What is no JSON is told so before anything else, though it is looked at only if something else is
/// wrong: of a sound request the service finds out. Nothing is inflated for somebody unknown.
fn unless_no_json(error: ApiError, encoding: Option<Encoding>, body: &[u8]) -> ApiError {
    let is_json = || serde_json::from_slice::<IgnoredAny>(body).is_ok();
    if encoding.is_some() || body.is_empty() || is_json() {
        return error;
    }
    ApiError::new(ErrorCode::Serialization, "")
}

/// Observed: a body that cannot be inflated is a fault of the service, as it were.
fn damaged(damage: Damage) -> ApiError {
    match damage {
        Damage::Broken | Damage::TooLarge => ApiError::internal(""),
    }
}

/// What is there to be read without a signature.
fn page<S: Service>(core: &Core<S>, head: &Head<'_, '_>) -> Reply {
    match head.path {
        "/" => health::root(head),
        "/healthz" => health::probe(core.service.is_healthy(), core.is_draining()),
        "/metrics" => {
            let mut page = String::new();
            write_page(&core.options.metrics, &mut page);
            core.service.write_metrics(&mut page);
            let content_type = "text/plain; version=0.0.4; charset=utf-8";
            Reply { content_type, ..Reply::new(200, page.into_bytes()) }
        }
        HOT => {
            Reply::text(404, "hot keys are shown where the server is told to: --show-hot-keys\n")
        }
        _ => Reply::new(404, UNKNOWN_OPERATION),
    }
}
