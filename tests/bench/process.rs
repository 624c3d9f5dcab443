//! Child processes that are started again when they end, and killed when nobody needs them any more.

use std::{
    collections::BTreeMap,
    fs::{File, OpenOptions},
    os::unix::process::ExitStatusExt,
    path::{Path, PathBuf},
    process::{ExitStatus, Stdio},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use anyhow::Context;
use rustix::process::{Pid, Signal, kill_process_group};
use tokio::{process::Command, time::Instant};

/// How to start one.
#[derive(Clone)]
pub struct Program {
    /// `api`, `worker-1`, …; also the name of its log.
    pub name: String,
    pub path: PathBuf,
    pub arguments: Vec<String>,
    pub folder: PathBuf,
}

/// A process that is started again whenever it ends, each time in a group of its own.
pub struct Process {
    shared: Arc<Shared>,
    task: tokio::task::JoinHandle<()>,
}

struct Shared {
    program: Program,
    group: Mutex<Option<Pid>>,
    stopping: AtomicBool,
    /// Held while the process is stopped by SIGSTOP, so that no other signal is wasted on it.
    paused: tokio::sync::Mutex<()>,
    /// How often it ended without being killed from here, by how it ended.
    own_ends: Mutex<BTreeMap<String, u64>>,
    /// Kills whose end has not been seen yet.
    kills: AtomicU64,
}

impl Process {
    pub fn start(program: Program) -> Process {
        let shared = Arc::new(Shared {
            program,
            group: Mutex::new(None),
            stopping: AtomicBool::new(false),
            paused: tokio::sync::Mutex::new(()),
            own_ends: Mutex::default(),
            kills: AtomicU64::new(0),
        });
        Process { task: tokio::spawn(supervise(Arc::clone(&shared))), shared }
    }

    pub fn name(&self) -> &str {
        &self.shared.program.name
    }

    /// How often it ended without being killed from here, by how it ended.
    pub fn own_ends(&self) -> BTreeMap<String, u64> {
        self.shared.own_ends.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub fn log(&self) -> PathBuf {
        log_of(&self.shared.program)
    }

    /// SIGKILL. `false` if there was nothing to kill.
    pub async fn kill(&self) -> bool {
        let _free = self.shared.paused.lock().await;
        // Counted before it is sent: the supervisor may see the end at once.
        self.shared.kills.fetch_add(1, Ordering::SeqCst);
        let hit = self.shared.signal(Signal::KILL);
        if !hit {
            self.shared.kills.fetch_sub(1, Ordering::SeqCst);
        }
        hit
    }

    /// SIGSTOP, and SIGCONT after `time`. `false` if there was nothing to stop.
    pub async fn pause(&self, time: Duration) -> bool {
        let _free = self.shared.paused.lock().await;
        let hit = self.shared.signal(Signal::STOP);
        tokio::time::sleep(if hit { time } else { Duration::ZERO }).await;
        // Also if the pause was meaningless: a process must never stay stopped.
        hit & self.shared.signal(Signal::CONT)
    }

    /// SIGTERM, and SIGKILL if that is not enough.
    pub async fn stop(&self, patience: Duration) -> bool {
        self.shared.stopping.store(true, Ordering::SeqCst);
        self.shared.signal(Signal::TERM);
        let ends = Instant::now() + patience;
        while self.pid().is_some() && Instant::now() < ends {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let obeyed = self.pid().is_none();
        self.shared.signal(Signal::KILL);
        obeyed
    }

    pub fn pid(&self) -> Option<Pid> {
        *self.shared.group()
    }

    /// Highest memory use so far, in kilobytes, as Linux tells; since the last start.
    pub fn peak_memory(&self) -> u64 {
        let status =
            self.pid().and_then(|pid| std::fs::read_to_string(format!("/proc/{}/status", pid.as_raw_nonzero())).ok());
        let status = status.unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        line.and_then(|rest| rest.split_whitespace().next()?.parse().ok()).unwrap_or(0)
    }

    /// Processor time used so far, since the last start.
    pub fn cpu_seconds(&self) -> f64 {
        let stat =
            self.pid().and_then(|pid| std::fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_nonzero())).ok());
        let stat = stat.unwrap_or_default();
        // The name in parentheses may hold spaces; user and system time are fields 14 and 15.
        let after = stat.rsplit_once(") ").map_or("", |(_, rest)| rest);
        let ticks: f64 = after.split(' ').skip(11).take(2).filter_map(|field| field.parse::<f64>().ok()).sum();
        ticks / 100.0
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.shared.stopping.store(true, Ordering::SeqCst);
        self.shared.signal(Signal::KILL);
        self.task.abort();
    }
}

impl Shared {
    fn group(&self) -> std::sync::MutexGuard<'_, Option<Pid>> {
        self.group.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn ended(&self, status: ExitStatus) {
        let killed = || self.kills.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |open| open.checked_sub(1)).is_ok();
        let ours = status.signal() == Some(Signal::KILL.as_raw()) && killed();
        if !ours && !self.stopping.load(Ordering::SeqCst) {
            let mut ends = self.own_ends.lock().unwrap_or_else(PoisonError::into_inner);
            *ends.entry(status.to_string()).or_default() += 1;
        }
    }

    /// Signals the whole group, under the lock: the supervisor forgets the group before its number can be given away.
    fn signal(&self, signal: Signal) -> bool {
        self.group().is_some_and(|group| kill_process_group(group, signal).is_ok())
    }
}

fn log_of(program: &Program) -> PathBuf {
    program.folder.join(format!("{}.log", program.name))
}

async fn supervise(shared: Arc<Shared>) {
    let mut wait = Duration::ZERO;
    while !shared.stopping.load(Ordering::SeqCst) {
        tokio::time::sleep(wait).await;
        let begun = Instant::now();
        match run(&shared).await {
            Ok(status) => shared.ended(status),
            Err(error) => eprintln!("bench: {}: {error:#}", shared.program.name),
        }
        // Who was killed is started at once; who cannot start is not started all the time.
        wait = if begun.elapsed() > Duration::from_secs(1) {
            Duration::ZERO
        } else {
            (wait * 2).clamp(Duration::from_millis(50), Duration::from_secs(2))
        };
    }
}

async fn run(shared: &Shared) -> anyhow::Result<ExitStatus> {
    let program = &shared.program;
    let mut child = Command::new(&program.path)
        .args(&program.arguments)
        .current_dir(&program.folder)
        .process_group(0)
        .kill_on_drop(true)
        .stdin(Stdio::null())
        .stdout(append(&log_of(program))?)
        .stderr(append(&log_of(program))?)
        .spawn()
        .with_context(|| format!("cannot start {}", program.path.display()))?;
    *shared.group() = child.id().and_then(|id| Pid::from_raw(id.cast_signed()));
    if shared.stopping.load(Ordering::SeqCst) {
        // Stopped between the check and the start.
        shared.signal(Signal::KILL);
    }
    let ended = child.wait().await;
    *shared.group() = None;
    Ok(ended?)
}

fn append(path: &Path) -> anyhow::Result<File> {
    OpenOptions::new().create(true).append(true).open(path).with_context(|| format!("cannot write {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sleeper(folder: &Path) -> Process {
        Process::start(Program {
            name: "sleeper".into(),
            path: "/bin/sleep".into(),
            arguments: vec!["30".into()],
            folder: folder.to_owned(),
        })
    }

    async fn pid(process: &Process, other_than: Option<Pid>) -> Pid {
        for _ in 0..5_000 {
            match process.pid() {
                Some(pid) if Some(pid) != other_than => return pid,
                _ => tokio::time::sleep(Duration::from_millis(10)).await,
            }
        }
        panic!("no such process within 50 s")
    }

    #[tokio::test]
    async fn who_is_killed_comes_back_and_who_is_dropped_does_not() {
        let folder = tempfile::tempdir().unwrap();
        let process = sleeper(folder.path());
        let first = pid(&process, None).await;
        assert!(process.kill().await);
        let second = pid(&process, Some(first)).await;
        assert!(process.pause(Duration::from_millis(50)).await);
        assert!(process.own_ends().is_empty());
        drop(process);
        for _ in 0..5_000 {
            let gone = std::fs::read_to_string(format!("/proc/{}/stat", second.as_raw_nonzero()))
                .map_or(true, |stat| stat.contains(") Z "));
            if gone {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("it lives on");
    }

    #[tokio::test]
    async fn who_ends_by_itself_is_counted_with_how_it_ended() {
        let folder = tempfile::tempdir().unwrap();
        let process = Process::start(Program {
            name: "quitter".into(),
            path: "/bin/sh".into(),
            arguments: vec!["-c".into(), "exit 3".into()],
            folder: folder.path().to_owned(),
        });
        for _ in 0..5_000 {
            if process.own_ends().get("exit status: 3").is_some_and(|count| *count > 1) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("{:?}", process.own_ends());
    }

    #[tokio::test]
    async fn who_obeys_is_not_killed() {
        let folder = tempfile::tempdir().unwrap();
        let process = sleeper(folder.path());
        pid(&process, None).await;
        assert!(process.stop(Duration::from_secs(5)).await);
    }
}
