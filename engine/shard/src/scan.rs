//! A scan over partitions: slices, in key order, put together into one page. Not reading: each slice
//! is answered by the partition's owner, who alone decides where it ends.

use std::ops::Bound;

use bytes::Bytes;
use flywheel_store::{Direction, PartitionSpec, ScanPage, ScanRequest};

use crate::error::ShardError;
use crate::handle::Handle;
use crate::request::Scan;

/// Collects slices until the page is full or the range is at its end.
pub(crate) async fn scan(handle: &Handle, request: ScanRequest) -> Result<ScanPage, ShardError> {
    let mut left = request;
    let mut page = ScanPage::default();
    if is_empty(&left.start, &left.end) {
        return Ok(page);
    }
    loop {
        let slice = handle.ask(Scan(left.clone())).await?;
        left.max_items = left.max_items.saturating_sub(slice.page.items.len());
        left.max_bytes = left.max_bytes.saturating_sub(size_bytes(&slice.page));
        if page.items.is_empty() {
            page.items = slice.page.items;
        } else {
            page.items.extend(slice.page.items);
        }
        page.more = slice.page.more || slice.rest.is_some();
        let full = left.max_items == 0 || left.max_bytes == 0;
        match slice.rest {
            Some(rest) if !slice.page.more && !full => match left.direction {
                Direction::Forward => left.start = rest,
                Direction::Backward => left.end = rest,
            },
            _ => return Ok(page),
        }
    }
}

/// `request` cut to the keys of `partition`, and what then remains beyond it.
pub(crate) fn cut(
    mut request: ScanRequest,
    partition: &PartitionSpec,
) -> (ScanRequest, Option<Bound<Bytes>>) {
    let rest = match request.direction {
        Direction::Forward => partition.end.clone().map(Bound::Included),
        Direction::Backward => {
            (!partition.start.is_empty()).then(|| Bound::Excluded(partition.start.clone()))
        }
    };
    let rest = rest.filter(|rest| match request.direction {
        Direction::Forward => !is_empty(rest, &request.end),
        Direction::Backward => !is_empty(&request.start, rest),
    });
    if starts_before(&request.start, &partition.start) {
        request.start = Bound::Included(partition.start.clone());
    }
    if let Some(end) = &partition.end
        && ends_behind(&request.end, end)
    {
        request.end = Bound::Excluded(end.clone());
    }
    (request, rest)
}

fn starts_before(start: &Bound<Bytes>, first: &Bytes) -> bool {
    match start {
        Bound::Included(key) | Bound::Excluded(key) => key < first,
        Bound::Unbounded => !first.is_empty(),
    }
}

fn ends_behind(end: &Bound<Bytes>, past: &Bytes) -> bool {
    match end {
        Bound::Included(key) => key >= past,
        Bound::Excluded(key) => key > past,
        Bound::Unbounded => true,
    }
}

/// Whether no key can lie between the two. May say no of a range that happens to hold no key.
fn is_empty(start: &Bound<Bytes>, end: &Bound<Bytes>) -> bool {
    match (start, end) {
        (Bound::Unbounded, Bound::Excluded(end)) => end.is_empty(),
        (Bound::Unbounded, _) | (_, Bound::Unbounded) => false,
        (Bound::Included(start), Bound::Included(end)) => start > end,
        (
            Bound::Included(start) | Bound::Excluded(start),
            Bound::Included(end) | Bound::Excluded(end),
        ) => start >= end,
    }
}

fn size_bytes(page: &ScanPage) -> usize {
    page.items.iter().map(|(key, item)| key.len() + item.value.len()).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use flywheel_store::{PartitionId, PartitionState};

    fn partition(start: &'static str, end: Option<&'static str>) -> PartitionSpec {
        PartitionSpec {
            id: PartitionId(1),
            ownership_epoch: 1,
            start: start.into(),
            end: end.map(Bytes::from),
            state: PartitionState::Serving,
        }
    }

    fn request(start: Bound<&'static str>, end: Bound<&'static str>, up: bool) -> ScanRequest {
        ScanRequest {
            start: start.map(Bytes::from),
            end: end.map(Bytes::from),
            direction: if up { Direction::Forward } else { Direction::Backward },
            max_items: 10,
            max_bytes: 1000,
        }
    }

    #[test]
    fn a_scan_is_cut_at_both_ends_and_goes_on_in_its_direction() {
        let middle = partition("g", Some("p"));
        let (cut_up, rest) = cut(request(Bound::Unbounded, Bound::Unbounded, true), &middle);
        assert_eq!((cut_up.start, cut_up.end), (included("g"), excluded("p")));
        assert_eq!(rest, Some(included("p")));
        let (_, rest) = cut(request(Bound::Unbounded, Bound::Unbounded, false), &middle);
        assert_eq!(rest, Some(excluded("g")));
    }

    #[test]
    fn nothing_remains_when_the_range_ends_at_or_before_the_partition_does() {
        let middle = partition("g", Some("p"));
        let asked = |end| cut(request(Bound::Included("h"), end, true), &middle);
        assert_eq!(asked(Bound::Excluded("p")).1, None);
        assert_eq!(asked(Bound::Included("o")).1, None);
        assert_eq!(asked(Bound::Included("p")).1, Some(included("p")));
        let down = request(Bound::Included("g"), Bound::Included("h"), false);
        assert_eq!(cut(down, &middle).1, None);
        let (cut_down, rest) =
            cut(request(Bound::Excluded("h"), Bound::Included("k"), false), &middle);
        assert_eq!((cut_down.start, cut_down.end, rest), (excluded("h"), included("k"), None));
    }

    #[test]
    fn the_ends_of_the_key_space_end_a_scan() {
        let all = partition("", None);
        for up in [true, false] {
            let asked = request(Bound::Unbounded, Bound::Unbounded, up);
            assert_eq!(cut(asked, &all).1, None);
        }
    }

    #[test]
    fn ranges_that_cannot_hold_a_key_are_known() {
        let empty = |start: Bound<&'static str>, end: Bound<&'static str>| {
            is_empty(&start.map(Bytes::from), &end.map(Bytes::from))
        };
        assert!(!empty(Bound::Included("a"), Bound::Included("a")));
        assert!(empty(Bound::Included("a"), Bound::Excluded("a")));
        assert!(empty(Bound::Included("b"), Bound::Included("a")));
        assert!(empty(Bound::Unbounded, Bound::Excluded("")));
        assert!(!empty(Bound::Unbounded, Bound::Unbounded));
    }

    fn included(key: &'static str) -> Bound<Bytes> {
        Bound::Included(Bytes::from(key))
    }

    fn excluded(key: &'static str) -> Bound<Bytes> {
        Bound::Excluded(Bytes::from(key))
    }
}
