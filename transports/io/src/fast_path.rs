//! Which of the ways that are there only for speed are taken. Each has a plain way beside it, which
//! tests take too, and an operator whose system misbehaves.

use std::{env, fmt, str::FromStr, sync::LazyLock};

/// A way that is there only for speed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FastPath {
    /// Bulk between two sockets goes through a kernel pipe; plain: through a buffer.
    /// Forced: from the first byte.
    Splice,
    /// A relay hands received pieces of multiplexed streams on, and its buffers to them, as they
    /// are; plain: copies, as with any stream.
    Chunks,
    /// Bulk is read into buffers of 256 KiB; plain: of 16 KiB. Forced: from the first byte.
    Large,
    /// Buffers are kept for the next reader; plain: each comes from the allocator.
    Pool,
    /// Several pieces leave in one write; plain: each in its own.
    Vectored,
    /// A mux hands received bytes out in the memory that they were read into; plain: copies.
    /// Forced: of any length.
    Share,
    /// Small frames of a mux wait for the end of a turn and leave together; plain: each at once.
    Bundle,
    /// Small frames overtake the bulk of others in a mux; plain: everything leaves in order.
    Overtake,
    /// Frames of a mux are short while the transport is slow; plain: never. Forced: always.
    Pace,
    /// The kernel keeps few unsent bytes of a tunnel; plain: as many as it likes.
    Unsent,
    /// The kernel does not pace what goes to a peer on the same host; plain: as the system's
    /// congestion control does. Forced: also where that would not pace.
    Unpaced,
    /// Records of TLS 1.3 are opened and sealed where they lie; plain: by rustls, with copies.
    Records,
    /// The kernel cuts what QUIC sends into packets, if it can; plain: each is a system call.
    Gso,
    /// Packets of a udp proxy that have come together leave in one write; plain: each in its own.
    Batch,
    /// frps has a thread for each processor; plain: one. Forced: two at least.
    Lanes,
    /// A user of an http port is served on the thread of its session; plain: on any.
    Home,
}

impl FastPath {
    /// Every one, in the order in which they are told.
    pub const ALL: [Self; 16] = [
        Self::Splice,
        Self::Chunks,
        Self::Large,
        Self::Pool,
        Self::Vectored,
        Self::Share,
        Self::Bundle,
        Self::Overtake,
        Self::Pace,
        Self::Unsent,
        Self::Unpaced,
        Self::Records,
        Self::Gso,
        Self::Batch,
        Self::Lanes,
        Self::Home,
    ];

    /// Its word in [`FastPaths::VARIABLE`].
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Splice => "splice",
            Self::Chunks => "chunks",
            Self::Large => "large",
            Self::Pool => "pool",
            Self::Vectored => "vectored",
            Self::Share => "share",
            Self::Bundle => "bundle",
            Self::Overtake => "overtake",
            Self::Pace => "pace",
            Self::Unsent => "unsent",
            Self::Unpaced => "unpaced",
            Self::Records => "records",
            Self::Gso => "gso",
            Self::Batch => "batch",
            Self::Lanes => "lanes",
            Self::Home => "home",
        }
    }

    const fn bit(self) -> u32 {
        1 << self as u32
    }
}

/// What was chosen for each [`FastPath`]. What needs it again and again takes it along when it is
/// made, so that a test can choose for itself; the default is the choice of the process.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct FastPaths {
    taken: u32,
    forced: u32,
}

/// The variable has a word that is not known.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{}: unknown word {word:?}; it takes all, none, -NAME and +NAME with commas between them, and \
     the names are {}",
    FastPaths::VARIABLE,
    names(u32::MAX)
)]
pub struct UnknownFastPath {
    /// The word.
    pub word: String,
}

static OF_THE_PROCESS: LazyLock<Result<FastPaths, UnknownFastPath>> =
    LazyLock::new(|| match env::var_os(FastPaths::VARIABLE) {
        Some(words) => words.to_string_lossy().parse(),
        None => Ok(FastPaths::USUAL),
    });

impl FastPaths {
    /// The environment variable that chooses: `all`, `none`, `-splice,-gso`, `none,+pool`.
    pub const VARIABLE: &str = "CULVERT_FAST_PATHS";
    /// Each where it pays, as far as the system has it.
    pub const USUAL: Self = Self {
        taken: u32::MAX,
        forced: 0,
    };
    /// Every one, also where it does not pay.
    pub const ALL: Self = Self {
        taken: u32::MAX,
        forced: u32::MAX,
    };
    /// None: everything goes the plain way.
    pub const NONE: Self = Self {
        taken: 0,
        forced: 0,
    };

    /// The choice of this process, read once from [`VARIABLE`](Self::VARIABLE).
    ///
    /// # Errors
    /// The variable has a word that is not known.
    pub fn of_the_process() -> Result<Self, UnknownFastPath> {
        OF_THE_PROCESS.clone()
    }

    /// Whether `path` is taken where it pays.
    #[must_use]
    pub const fn takes(self, path: FastPath) -> bool {
        self.taken & path.bit() != 0
    }

    /// Whether `path` is taken where it does not pay, too.
    #[must_use]
    pub const fn forces(self, path: FastPath) -> bool {
        self.forced & path.bit() != 0
    }

    /// The same choice, but without `path`.
    #[must_use]
    pub const fn without(self, path: FastPath) -> Self {
        Self {
            taken: self.taken & !path.bit(),
            forced: self.forced & !path.bit(),
        }
    }

    /// The same choice, but with `path` forced.
    #[must_use]
    pub const fn with(self, path: FastPath) -> Self {
        Self {
            taken: self.taken | path.bit(),
            forced: self.forced | path.bit(),
        }
    }
}

/// The choice of this process; the usual one if its words are not known.
impl Default for FastPaths {
    fn default() -> Self {
        OF_THE_PROCESS
            .as_ref()
            .map_or(Self::USUAL, |chosen| *chosen)
    }
}

impl FromStr for FastPaths {
    type Err = UnknownFastPath;

    fn from_str(words: &str) -> Result<Self, UnknownFastPath> {
        let words = words.split(',').map(str::trim);
        words
            .filter(|word| !word.is_empty())
            .try_fold(Self::USUAL, |chosen, word| match word {
                "all" => Ok(Self::ALL),
                "none" => Ok(Self::NONE),
                _ => chosen.changed(word).ok_or_else(|| UnknownFastPath {
                    word: word.to_owned(),
                }),
            })
    }
}

impl FastPaths {
    fn changed(self, word: &str) -> Option<Self> {
        let (sign, name) = word.split_at_checked(1)?;
        let path = FastPath::ALL.into_iter().find(|path| path.name() == name)?;
        match sign {
            "-" => Some(self.without(path)),
            "+" => Some(self.with(path)),
            _ => None,
        }
    }
}

/// The names of what is forced, and of what is not taken.
impl fmt::Display for FastPaths {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (forced, off) = (names(self.forced), names(!self.taken));
        write!(f, "forced: [{forced}], not taken: [{off}]")
    }
}

impl fmt::Debug for FastPaths {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FastPaths({self})")
    }
}

fn names(of: u32) -> String {
    let all = FastPath::ALL
        .into_iter()
        .filter(|path| of & path.bit() != 0);
    all.map(FastPath::name).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_choose_from_left_to_right() {
        for (words, chosen) in [
            ("", FastPaths::USUAL),
            ("all", FastPaths::ALL),
            ("none", FastPaths::NONE),
            (
                "-gso, -splice",
                FastPaths::USUAL
                    .without(FastPath::Gso)
                    .without(FastPath::Splice),
            ),
            ("none,+pool", FastPaths::NONE.with(FastPath::Pool)),
            ("-gso,all", FastPaths::ALL),
        ] {
            assert_eq!(words.parse(), Ok(chosen), "{words}");
        }
        let chosen: FastPaths = "none,+pool".parse().unwrap();
        assert!(chosen.forces(FastPath::Pool) && chosen.takes(FastPath::Pool));
        assert!(!chosen.takes(FastPath::Gso));
        assert!(FastPaths::USUAL.takes(FastPath::Gso) && !FastPaths::USUAL.forces(FastPath::Gso));
    }

    #[test]
    fn every_path_has_a_word_of_its_own() {
        for path in FastPath::ALL {
            for (sign, chosen) in [
                ('-', FastPaths::USUAL.without(path)),
                ('+', FastPaths::USUAL.with(path)),
            ] {
                assert_eq!(format!("{sign}{}", path.name()).parse(), Ok(chosen));
            }
        }
    }

    #[test]
    fn an_unknown_word_is_told_with_those_that_are_known() {
        for wrong in ["yes", "splice", "-", "-slice", "é"] {
            let told = wrong.parse::<FastPaths>().unwrap_err().to_string();
            assert!(
                told.starts_with("CULVERT_FAST_PATHS: unknown word"),
                "{told}"
            );
            assert!(
                told.contains(wrong) && told.ends_with("lanes, home"),
                "{told}"
            );
        }
    }
}
