//! Other processes for tests: this very binary, started again for one "test" that does nothing
//! unless it is told its role. Not what they do: that stands beside the test that starts them.

use std::fmt::Display;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

const ROLE: &str = "FLYWHEEL_OTHER_ROLE";
const DIRECTORY: &str = "FLYWHEEL_OTHER_DIRECTORY";

/// What begins and ends a line that is meant for the parent: the test harness prints lines of its
/// own, and the last one may be cut.
const BEGIN: &str = "flywheel: ";
const END: &str = " ;";

/// A process that says nothing for so long hangs.
const HANGS: Duration = Duration::from_secs(120);

/// A process that was started; killed when dropped.
pub struct Other {
    child: Child,
    said: Receiver<String>,
}

impl Other {
    /// Starts this binary for the "test" `role` on `directory`.
    pub fn start(role: &str, directory: &Path, more: &[(&str, &str)]) -> Self {
        let binary = std::env::current_exe().expect("this binary");
        Self::start_by(Command::new(binary), role, directory, more)
    }

    /// As [`Other::start`], where `command` ends in running this binary.
    pub fn start_by(
        mut command: Command,
        role: &str,
        directory: &Path,
        more: &[(&str, &str)],
    ) -> Self {
        command
            .args([role, "--exact", "--nocapture", "--test-threads=1"])
            .env(ROLE, role)
            .env(DIRECTORY, directory)
            .envs(more.iter().copied())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().expect("started");
        let output = BufReader::new(child.stdout.take().expect("piped"));
        let errors = BufReader::new(child.stderr.take().expect("piped"));
        let (say, said) = channel();
        thread::spawn(move || {
            for line in output.lines().map_while(Result::ok) {
                let words = line.split_once(BEGIN).and_then(|(_, rest)| rest.strip_suffix(END));
                if let Some(words) = words {
                    let _ = say.send(words.to_owned());
                }
            }
        });
        // Shown only where the test's own output is.
        thread::spawn(move || errors.lines().map_while(Result::ok).for_each(|l| println!("{l}")));
        Self { child, said }
    }

    /// The next thing it says; `None` once it has ended.
    pub fn next(&mut self) -> Option<String> {
        match self.said.recv_timeout(HANGS) {
            Ok(words) if words.starts_with("broken") => panic!("the other process: {words}"),
            Ok(words) => Some(words),
            Err(RecvTimeoutError::Disconnected) => None,
            Err(RecvTimeoutError::Timeout) => panic!("the other process hangs"),
        }
    }

    /// Waits until it says something that begins so, and returns the rest of that.
    pub fn wait_for(&mut self, begin: &str) -> String {
        loop {
            let Some(words) = self.next() else { panic!("ended before it said `{begin}`") };
            if let Some(rest) = words.strip_prefix(begin) {
                return rest.trim().to_owned();
            }
        }
    }

    /// Lets it go on from [`await_go`].
    pub fn go(&mut self) {
        drop(self.child.stdin.take());
    }

    /// SIGKILL.
    pub fn kill(&mut self) {
        // It may have ended by itself meanwhile.
        let _ = self.child.kill();
    }

    /// Waits for its end.
    pub fn ended(&mut self) -> ExitStatus {
        self.child.wait().expect("ended")
    }
}

impl Drop for Other {
    fn drop(&mut self) {
        self.kill();
        let _ = self.child.wait();
    }
}

/// In the other process: the directory, if it was started for `role`. From then on a panic of any
/// thread ends the process, and the parent is told.
pub fn told(role: &str) -> Option<PathBuf> {
    if std::env::var(ROLE).ok()? != role {
        return None;
    }
    std::panic::set_hook(Box::new(|panic| {
        say(format!("broken: {}", panic.to_string().replace('\n', " ")));
        std::process::exit(101);
    }));
    std::env::var_os(DIRECTORY).map(PathBuf::from)
}

/// In the other process: tells the parent.
pub fn say(words: impl Display) {
    let line = format!("{BEGIN}{words}{END}\n");
    if std::io::stdout().lock().write_all(line.as_bytes()).is_err() {
        // Nobody listens any more.
        std::process::exit(102);
    }
}

/// In the other process: waits for the parent's [`Other::go`].
pub fn await_go() {
    let _ = std::io::stdin().lock().lines().next();
}

/// In the other process: a number that the parent gave.
pub fn number_of(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

/// Memory of this process as the kernel counts it: `VmRSS:`, `VmSize:`.
pub fn memory_kib(counted: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("read");
    let line = status.lines().find_map(|line| line.strip_prefix(counted)).expect("listed");
    line.trim().trim_end_matches(" kB").parse().expect("a number")
}
