//! Kernel pipes that carry bytes from socket to socket without a copy to user space.
//!
//! The only file with `unsafe` but for one call in `trim.rs`. A write to a closed socket raises SIGPIPE in splice(2) too; the
//! Rust runtime ignores that signal, so it comes back as `BrokenPipe`.
#![expect(unsafe_code, reason = "splice and the pipe's size have no safe call")]

use std::{
    cell::RefCell,
    ffi::c_int,
    io::{self, PipeReader, PipeWriter},
    os::fd::{AsFd, AsRawFd, BorrowedFd},
    ptr,
};

use tokio::{io::Interest, net::TcpStream};

/// Pipe sizes to ask for. Measured: 1 MiB 0.37 s/GiB, 256 KiB 0.5, against 0.8 for copying. The
/// first is what an unprivileged process may have (`/proc/sys/fs/pipe-max-size`).
const SIZES: [c_int; 2] = [1 << 20, 1 << 18];

/// The most bytes one call moves: as much as the largest pipe holds.
const MOST: usize = 1 << 20;

/// Pipes that one thread may have open: with the default bound of 64 MiB of pipe memory per user
/// (`pipe-user-pages-soft`) two busy threads stay inside it.
const CAP: usize = 32;

struct Ends {
    reader: PipeReader,
    writer: PipeWriter,
}

struct Pool {
    free: Vec<Ends>,
    open: usize,
    cap: usize,
}

thread_local! {
    static POOL: RefCell<Pool> = const {
        RefCell::new(Pool { free: Vec::new(), open: 0, cap: CAP })
    };
}

/// A lent pipe. Dropped empty it goes back to its thread's pool; with bytes in it, it is closed.
pub(super) struct Pipe {
    ends: Option<Ends>,
    held: usize,
}

impl Pipe {
    /// An empty pipe, or `None` when this thread has its share or the system gives no more.
    pub(super) fn lend() -> Option<Self> {
        let lent = POOL.try_with(|pool| pool.borrow_mut().take());
        let ends = Some(lent.ok().flatten()?);
        Some(Self { ends, held: 0 })
    }

    /// How many bytes are in the pipe.
    pub(super) const fn held(&self) -> usize {
        self.held
    }

    /// Takes what `from` has received; 0 when it has sent its last byte. The pipe must be empty,
    /// so that `WouldBlock` can only mean the socket.
    pub(super) fn fill(&mut self, from: &TcpStream) -> io::Result<usize> {
        let ends = self.ends.as_ref().ok_or(io::ErrorKind::Unsupported)?;
        let n = from.try_io(Interest::READABLE, || {
            splice(from.as_fd(), ends.writer.as_fd(), MOST)
        })?;
        self.held += n;
        Ok(n)
    }

    /// Hands what is in the pipe to `to`; answers how much it took.
    pub(super) fn drain(&mut self, to: &TcpStream) -> io::Result<usize> {
        let ends = self.ends.as_ref().ok_or(io::ErrorKind::Unsupported)?;
        let n = to.try_io(Interest::WRITABLE, || {
            splice(ends.reader.as_fd(), to.as_fd(), self.held)
        })?;
        self.held = self.held.saturating_sub(n);
        Ok(n)
    }
}

impl Drop for Pipe {
    fn drop(&mut self) {
        let Some(ends) = self.ends.take() else {
            return;
        };
        let empty = self.held == 0;
        // During thread exit the pool is gone; then the pipe is closed.
        let _gone = POOL.try_with(|pool| pool.borrow_mut().give_back(ends, empty));
    }
}

impl Pool {
    fn take(&mut self) -> Option<Ends> {
        if let Some(ends) = self.free.pop() {
            return Some(ends);
        }
        if self.open >= self.cap {
            return None;
        }
        let (reader, writer) = io::pipe().ok()?;
        SIZES
            .iter()
            .find(|size| resize(writer.as_fd(), **size).is_ok())?;
        self.open += 1;
        Some(Ends { reader, writer })
    }

    fn give_back(&mut self, ends: Ends, empty: bool) {
        if empty && self.free.len() < self.cap {
            self.free.push(ends);
        } else {
            self.open = self.open.saturating_sub(1);
        }
    }
}

fn resize(pipe: BorrowedFd<'_>, size: c_int) -> io::Result<()> {
    // SAFETY: the descriptor is borrowed, so it is open; the call takes an integer and no memory.
    let got = unsafe { libc::fcntl(pipe.as_raw_fd(), libc::F_SETPIPE_SZ, size) };
    usize::try_from(got)
        .map(drop)
        .map_err(|_| io::Error::last_os_error())
}

fn splice(from: BorrowedFd<'_>, to: BorrowedFd<'_>, most: usize) -> io::Result<usize> {
    let (from, to) = (from.as_raw_fd(), to.as_raw_fd());
    let how = libc::SPLICE_F_MOVE | libc::SPLICE_F_NONBLOCK;
    // SAFETY: both descriptors are borrowed, so they are open; the null offsets say that neither
    // has a position, and no memory of ours is passed.
    let n = unsafe { libc::splice(from, ptr::null_mut(), to, ptr::null_mut(), most, how) };
    usize::try_from(n).map_err(|_| io::Error::last_os_error())
}

/// Sets how many pipes this thread may have; call it before the first.
#[cfg(test)]
pub(super) fn set_cap(cap: usize) {
    POOL.with_borrow_mut(|pool| pool.cap = cap);
}

/// How many pipes this thread has open, and how many of them are free.
#[cfg(test)]
pub(super) fn count() -> (usize, usize) {
    POOL.with_borrow(|pool| (pool.open, pool.free.len()))
}
