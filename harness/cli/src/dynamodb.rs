//! A DynamoDB endpoint as a system: from flags and YCSB's properties to an open one. It has no directory: whether its
//! table holds a workload's records is asked of itself. Not how it is asked: see `flywheel-targets`.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use flywheel_load::Workload;
use flywheel_targets::limits::REQUEST_TIMEOUT;
use flywheel_targets::{AccessKey, DynamoDbFactory, DynamoDbOptions, Endpoint, ItemMapping};

use crate::args::{Common, DynamoDbArgs};
use crate::error::CliError;
use crate::phases::Bench;
use crate::systems::{Manners, Open, System};
use crate::watch::Watch;

/// Operations of an open loop in flight, over all generator threads, unless the connections bound them.
const IN_FLIGHT: usize = 1_024;

/// The region, unless one is given (YCSB's).
const DEFAULT_REGION: &str = "us-east-1";

/// An endpoint, by its flags.
pub struct DynamoDb<'a>(pub &'a DynamoDbArgs);

/// An endpoint whose table is there.
pub struct OpenDynamoDb {
    factory: DynamoDbFactory,
    connections: Option<usize>,
    url: String,
    is_assumed: bool,
}

impl System for DynamoDb<'_> {
    type Open = OpenDynamoDb;

    fn name(&self) -> &'static str {
        "dynamodb"
    }

    fn is_local(&self) -> bool {
        false
    }

    fn open(&self, _: &Bench<'_>, workload: &Workload, _: bool) -> Result<OpenDynamoDb, CliError> {
        let table = self.0.table.as_deref().unwrap_or(&workload.table);
        let mapping = ItemMapping::new(workload, table)?;
        let options = options(self.0, workload)?;
        let (connections, url) = (options.connections, options.endpoint.url());
        let factory = DynamoDbFactory::open(options, mapping)?;
        Ok(OpenDynamoDb { factory, connections, url, is_assumed: self.0.assume_table })
    }
}

/// Flags first, then properties, then what is usual.
fn options(args: &DynamoDbArgs, workload: &Workload) -> Result<DynamoDbOptions, CliError> {
    let property = |name: &str| {
        let name = format!("dynamodb.{name}");
        workload.properties().get(&name).filter(|value| !value.is_empty()).cloned()
    };
    let url = args.endpoint.clone().or_else(|| property("endpoint")).ok_or_else(|| {
        CliError::Flag(
            "--target dynamodb: say where: --endpoint http://127.0.0.1:8000, or the property \
             dynamodb.endpoint"
                .into(),
        )
    })?;
    let most = property("connectMax").map(|text| match text.parse::<usize>() {
        Ok(most @ 1..) => Ok(most),
        _ => {
            Err(CliError::Flag(format!("dynamodb.connectMax: expected at least 1, found {text:?}")))
        }
    });
    let connections = args.connections.or(most.transpose()?);
    if connections == Some(0) {
        return Err(CliError::Flag("--connections: expected at least 1, found 0".into()));
    }
    if args.request_timeout == Some(0) {
        return Err(CliError::Flag("--request-timeout: expected at least 1, found 0".into()));
    }
    let file =
        args.credentials.clone().or_else(|| property("awsCredentialsFile").map(PathBuf::from));
    let region =
        args.region.clone().or_else(|| property("region")).unwrap_or_else(|| DEFAULT_REGION.into());
    let is_name = !region.is_empty()
        && region.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte));
    if !is_name {
        return Err(CliError::Flag(format!(
            "--region: expected letters and digits, found {region:?}"
        )));
    }
    Ok(DynamoDbOptions {
        endpoint: Endpoint::parse(&url)?,
        region,
        access: AccessKey::find(file.as_deref())?,
        connections,
        patience: args.request_timeout.map_or(REQUEST_TIMEOUT, Duration::from_secs),
        checks_crc32: args.verify_crc32,
        assumes_table: args.assume_table,
        authorities: args.ca.clone(),
    })
}

/// Says of properties that are for another target that they are.
pub fn warn_of_unused(workload: &Workload) {
    for name in workload.properties().keys().filter(|name| name.starts_with("dynamodb.")) {
        eprintln!("flywheel: {name} has no effect: it is for the targets table and dynamodb");
    }
}

impl Watch for OpenDynamoDb {}

impl Open for OpenDynamoDb {
    type Factory = DynamoDbFactory;

    fn factory(&self) -> &DynamoDbFactory {
        &self.factory
    }

    fn manners(&self, common: &Common, _: &Workload) -> Manners {
        let workers = common.workers.unwrap_or_else(crate::settings::cores);
        Manners {
            in_flight: self.connections.map_or(IN_FLIGHT, |most| most.saturating_mul(workers)),
            workers: common.workers,
            spare_cores: Vec::new(),
            calls_block: false,
        }
    }

    fn place(&self, _: &Common) -> PathBuf {
        self.url.clone().into()
    }

    /// By its first and its last record: a table cannot be counted without reading it all.
    fn is_loaded(&self, workload: &Workload) -> Result<bool, CliError> {
        if self.factory.is_new() {
            return Ok(false);
        }
        if self.is_assumed || workload.trace.is_some() {
            // Which keys a trace needs is not known without reading it all, too.
            return Ok(true);
        }
        let ends =
            [workload.insert_start, workload.insert_start + workload.insert_count.max(1) - 1];
        let keys = ends.map(|number| {
            let mut key = Vec::new();
            workload.write_key(number, &mut key);
            key
        });
        match self.factory.holds(&keys)? {
            0 => Ok(false),
            2 => Ok(true),
            _ => {
                let problem = "the table holds the first or the last of the workload's records, and \
                               not both; delete it, or choose another --table";
                Err(CliError::Data { directory: self.url.clone().into(), problem: problem.into() })
            }
        }
    }

    fn settle(&self) -> Result<(), CliError> {
        Ok(())
    }

    fn settings(&self) -> BTreeMap<String, String> {
        self.factory.settings()
    }

    fn close(self) -> Result<(), CliError> {
        Ok(())
    }

    fn watch(&self) -> &dyn Watch {
        self
    }
}
