//! A fixed number of threads behind a bounded queue, for work that would block an async worker.

mod priority;

use std::{
    io,
    panic::{AssertUnwindSafe, catch_unwind},
    thread,
};

use crossbeam_channel::{Receiver, Sender, TrySendError, bounded};
use tokio::sync::oneshot;
use tracing::Span;

type Job = Box<dyn FnOnce() + Send>;

/// How the operating system weighs the threads against the rest of the process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Priority {
    /// Like every other thread.
    Normal,
    /// Only where nobody else wants the processor.
    Lowest,
}

impl Priority {
    /// Gives it to the calling thread, for good.
    pub fn take(self) {
        if self == Self::Lowest {
            priority::lower_to_the_lowest();
        }
    }
}

/// Why a job was not done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotDone {
    /// The queue is full: the caller should answer 503.
    #[error("the queue is full")]
    QueueFull,
    /// The job panicked.
    #[error("the job panicked")]
    Panicked,
}

/// The threads. They end when this is dropped and the queue is empty.
#[derive(Debug)]
pub struct Threads {
    jobs: Sender<Job>,
}

impl Threads {
    /// Starts `count` threads with room for `queue` waiting jobs.
    pub fn start(name: &str, count: usize, queue: usize, priority: Priority) -> io::Result<Self> {
        let (sender, receiver) = bounded::<Job>(queue);
        for number in 0..count {
            let receiver = receiver.clone();
            thread::Builder::new().name(format!("{name}-{number}")).spawn(move || work(&receiver, priority))?;
        }
        Ok(Self { jobs: sender })
    }

    /// Runs `job` on one of the threads, within the caller's tracing span.
    ///
    /// A job whose caller has gone away before its turn is not started; once started, it is finished.
    pub async fn run<T, F>(&self, job: F) -> Result<T, NotDone>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        let (answer, waiting) = oneshot::channel();
        let span = Span::current();
        let job = Box::new(move || {
            if !answer.is_closed() {
                // A receiver that has gone away in the meantime wants no answer.
                let _gone = answer.send(span.in_scope(job));
            }
        });
        match self.jobs.try_send(job) {
            Ok(()) => waiting.await.map_err(|_| NotDone::Panicked),
            Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) => Err(NotDone::QueueFull),
        }
    }

    /// How many jobs wait for a thread.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.jobs.len()
    }
}

fn work(jobs: &Receiver<Job>, priority: Priority) {
    priority.take();
    for job in jobs {
        if catch_unwind(AssertUnwindSafe(job)).is_err() {
            tracing::error!("a job panicked");
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Barrier};

    use super::*;

    #[tokio::test]
    async fn a_full_queue_is_said_at_once_and_nothing_is_lost() {
        let threads = Arc::new(Threads::start("test", 1, 1, Priority::Normal).unwrap());
        let gate = Arc::new(Barrier::new(2));
        let (started, running) = oneshot::channel();
        let busy = tokio::spawn({
            let (threads, gate) = (Arc::clone(&threads), Arc::clone(&gate));
            async move {
                let job = move || {
                    started.send(()).unwrap();
                    gate.wait();
                    1
                };
                threads.run(job).await
            }
        });
        running.await.unwrap();
        let queued = tokio::spawn({
            let threads = Arc::clone(&threads);
            async move { threads.run(|| 2).await }
        });
        while threads.waiting() == 0 {
            tokio::task::yield_now().await;
        }
        assert_eq!(threads.run(|| 3).await, Err(NotDone::QueueFull));
        gate.wait();
        assert_eq!(busy.await.unwrap(), Ok(1));
        assert_eq!(queued.await.unwrap(), Ok(2));
    }

    #[tokio::test]
    async fn a_panic_ends_the_job_and_not_the_thread() {
        let threads = Threads::start("test", 1, 4, Priority::Lowest).unwrap();
        assert_eq!(threads.run(|| panic!("on purpose")).await, Err::<(), _>(NotDone::Panicked));
        assert_eq!(threads.run(|| 5).await, Ok(5));
    }
}
