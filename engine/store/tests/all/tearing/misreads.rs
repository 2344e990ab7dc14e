//! Each read of recovery answered wrongly once: with zeros, with bytes from elsewhere, with what stood
//! there before. The medium itself is whole, so nothing acknowledged may be missing: everything, or an
//! error. Not damage: see `bytes`.

use std::cell::{Cell, RefCell};
use std::future::Future;
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::Duration;

use flywheel_disk::sim::{self, SimBlock, SimBuffer, SimDisk, SimFile, SimWorld};
use flywheel_disk::{DiskError, File, TaskClass, World};
use flywheel_store::format::batch::{BatchHeader, BatchKind, encode_records};
use flywheel_store::format::record::{Record, RecordKind};

use super::files::newest_life_is_the_logs;
use super::image::{End, image};
use super::layout::{BLOCK_BYTES, Layout, segment_path, superblock_path};
use super::oracle::{Oracle, Outcome, read_all};

/// What a wrong read brings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Answer {
    /// Nothing but zeros.
    Zeros,
    /// What stands so much further on in the file, or at its beginning.
    Elsewhere(u64),
    /// What stood there in this older image.
    Older(usize),
}

/// Which read of a process goes wrong, and how.
struct Plan {
    wrong_read: u64,
    answer: Answer,
    older: Vec<SimDisk>,
    reads: Cell<u64>,
    /// The file of the wrong read.
    misread: RefCell<PathBuf>,
}

/// A machine whose disk answers one read wrongly.
#[derive(Clone)]
struct Misreading {
    world: SimWorld,
    plan: Rc<Plan>,
}

struct MisreadFile {
    file: SimFile,
    path: PathBuf,
    plan: Rc<Plan>,
}

enum Block {
    Right(SimBlock),
    Wrong(Vec<u8>),
}

impl Deref for Block {
    type Target = [u8];
    fn deref(&self) -> &[u8] {
        match self {
            Block::Right(block) => block,
            Block::Wrong(bytes) => bytes,
        }
    }
}

impl File for MisreadFile {
    type Buffer = SimBuffer;
    type Block = Block;

    fn size_bytes(&self) -> u64 {
        self.file.size_bytes()
    }

    fn read_alignment_bytes(&self) -> usize {
        self.file.read_alignment_bytes()
    }

    async fn read(&self, offset_bytes: u64, length_bytes: usize) -> Result<Block, DiskError> {
        let right = self.file.read(offset_bytes, length_bytes).await?;
        let plan = &self.plan;
        let read = plan.reads.replace(plan.reads.get() + 1);
        if read != plan.wrong_read {
            return Ok(Block::Right(right));
        }
        plan.misread.replace(self.path.clone());
        let wrong = match plan.answer {
            Answer::Zeros => Some(vec![0; length_bytes]),
            Answer::Elsewhere(further) => {
                let at = offset_bytes + further;
                let fits = at + length_bytes as u64 <= self.size_bytes();
                Some(self.file.read(if fits { at } else { 0 }, length_bytes).await?.to_vec())
            }
            Answer::Older(image) => {
                let image = &plan.older[image];
                let is_there = image.files().iter().any(|(path, _)| *path == self.path);
                let range = offset_bytes as usize..offset_bytes as usize + length_bytes;
                is_there.then(|| image.read_bytes(&self.path)[range].to_vec())
            }
        };
        Ok(wrong.map_or(Block::Right(right), Block::Wrong))
    }

    async fn write(&self, offset_bytes: u64, buffer: SimBuffer) -> Result<(), DiskError> {
        self.file.write(offset_bytes, buffer).await
    }

    async fn write_durable(&self, offset_bytes: u64, buffer: SimBuffer) -> Result<(), DiskError> {
        self.file.write_durable(offset_bytes, buffer).await
    }

    async fn sync(&self) -> Result<(), DiskError> {
        self.file.sync().await
    }
}

impl Misreading {
    fn file(&self, path: &Path, file: SimFile) -> MisreadFile {
        MisreadFile { file, path: path.to_owned(), plan: self.plan.clone() }
    }
}

impl World for Misreading {
    type File = MisreadFile;
    type Buffer = SimBuffer;

    fn now_ns(&self) -> u64 {
        self.world.now_ns()
    }

    fn sleep(&self, duration: Duration) -> impl Future<Output = ()> + 'static {
        self.world.sleep(duration)
    }

    fn yield_if_needed(&self) -> impl Future<Output = ()> + 'static {
        self.world.yield_if_needed()
    }

    fn spawn(&self, class: TaskClass, task: impl Future<Output = ()> + 'static) {
        self.world.spawn(class, task);
    }

    fn buffer(&self, length_bytes: usize) -> SimBuffer {
        self.world.buffer(length_bytes)
    }

    async fn create(&self, path: &Path, size_bytes: u64) -> Result<MisreadFile, DiskError> {
        Ok(self.file(path, self.world.create(path, size_bytes).await?))
    }

    async fn open(&self, path: &Path) -> Result<MisreadFile, DiskError> {
        Ok(self.file(path, self.world.open(path).await?))
    }

    async fn remove(&self, path: &Path) -> Result<(), DiskError> {
        self.world.remove(path).await
    }

    async fn create_directory(&self, path: &Path) -> Result<(), DiskError> {
        self.world.create_directory(path).await
    }

    async fn list(&self, path: &Path) -> Result<Vec<String>, DiskError> {
        self.world.list(path).await
    }
}

/// Opens and reads with one read gone wrong.
fn misread(oracle: &Oracle, wrong_read: u64, answer: Answer) -> (Outcome, Rc<Plan>) {
    let older = oracle.image.older.clone();
    let plan = Rc::new(Plan {
        wrong_read,
        answer,
        older,
        reads: Cell::new(0),
        misread: RefCell::default(),
    });
    let what = format!("read {wrong_read} brings {answer:?}");
    let misreading = plan.clone();
    let read = sim::run(1, &oracle.image.disk.image(), async |world| {
        let world = Misreading { world, plan: misreading };
        read_all(world, &oracle.keys, &what).await
    });
    (oracle.judge(read, &what), plan)
}

/// Has each read go wrong in each way; how often all was there, and how often there was an error.
fn misread_everywhere(oracle: &Oracle, what: &str) -> [usize; 2] {
    let (outcome, plan) = misread(oracle, u64::MAX, Answer::Zeros);
    assert_eq!(outcome, Outcome::Exact, "{what}: nothing went wrong");
    let older = (0..oracle.image.older.len()).map(Answer::Older);
    let elsewhere = [512, 4096, 8192, 12_288].map(Answer::Elsewhere);
    let answers: Vec<Answer> = older.chain(elsewhere).chain([Answer::Zeros]).collect();
    let mut counts = [0; 2];
    for wrong_read in 0..plan.reads.get() {
        for &answer in &answers {
            let (outcome, plan) = misread(oracle, wrong_read, answer);
            let what = format!("read {wrong_read} brings {answer:?}, {what}");
            let is_superblock = *plan.misread.borrow() == superblock_path();
            match outcome {
                Outcome::Exact => counts[0] += 1,
                // Recovery from an older one could recycle what the newest needs.
                other if is_superblock => panic!("{what}: {other:?}"),
                Outcome::Refused(..) | Outcome::Unreadable(_, 0) => counts[1] += 1,
                older => panic!("{what}: {older:?}"),
            }
        }
    }
    counts
}

#[test]
fn any_read_gone_wrong_once_loses_nothing() {
    for end in [End::Crashed, End::Rested, End::Closed] {
        let counts = misread_everywhere(&Oracle::new(image(end)), &format!("{end:?}"));
        assert!(counts.iter().all(|&count| count > 20), "{end:?}: {counts:?}");
    }
}

#[test]
fn a_read_gone_wrong_loses_nothing_where_the_newest_life_is_the_logs() {
    // As if the machine had stopped before the next segment was ready.
    let counts = misread_everywhere(&newest_life_is_the_logs(), "the log's life is the newest");
    assert!(counts.iter().all(|&count| count > 20), "{counts:?}");
}

#[test]
fn a_batch_of_the_old_tail_that_comes_late_never_counts() {
    let mut image = image(End::Crashed);
    let log = Layout::of(&image.disk).log;
    let after = log.last().expect("a log").place;
    let first = log.iter().position(|batch| batch.place.segment == after.segment).expect("it is");
    let (last, first_of_next) = (&log[first - 1], &log[first]);
    assert!(last.place.life < after.life && first_of_next.previous == last.number);
    // Only the first batch of the last process is left, so that none proves it; the older image that
    // has seen more of them is left out.
    image.older.pop();
    for batch in &log[first + 1..] {
        let path = segment_path(batch.place.segment);
        image.disk.replace_bytes(&path, batch.place.offset_bytes.into(), &[0; BLOCK_BYTES]);
    }
    image.states.truncate(image.states.len() - (log.len() - first - 1));
    // What the process before it had in flight when it crashed.
    let place = last.place.at(last.end as u32);
    let record = Record { kind: RecordKind::Put, version: 1 << 40, key: &[1], value: b"late" };
    let (number, previous) = (first_of_next.number, last.number);
    let (body_bytes, kind) = (record.encoded_bytes() as u32, BatchKind::Log);
    let durable = previous;
    let header = BatchHeader { place, kind, number, previous, durable, body_bytes, records: 1 };
    let mut bytes = vec![0; header.batch_bytes()];
    encode_records(&header, std::iter::once(record), &mut bytes);
    image.disk.replace_bytes(&segment_path(place.segment), place.offset_bytes.into(), &bytes);
    misread_everywhere(&Oracle::new(image), "a late batch");
}
