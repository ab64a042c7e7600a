//! The list of cases, written once for every transport.

/// Makes a module of tests: every case for one [`Subject`](crate::Subject), which is made anew for
/// each, or for an `Option` of one, where `None` skips. The crate that uses it needs `tokio` with `macros` and `rt` among its dependencies.
///
/// ```
/// culvert_conformance::transport_suite!(tcp, culvert_conformance::Subject::new(culvert_tcp::Tcp));
/// ```
#[macro_export]
macro_rules! transport_suite {
    ($module:ident, $subject:expr) => {
        #[cfg(test)]
        mod $module {
            use super::*;

            $crate::transport_suite! { @cases $subject;
                echo
                bulk
                one_byte_writes
                vectored_writes
                slow_reader
                half_close_of_client
                half_close_of_server
                vanished_peer
                close_reasons
                dead_address
                cancelled_accepts
                hostile_peers
                reconnects
                thousand_streams
                idle
                names
            }
        }
    };
    (@cases $subject:expr; $($case:ident)*) => {
        $(
            #[tokio::test]
            async fn $case() -> $crate::Result {
                // What the environment does not have is skipped by an expression that is `None`.
                match Option::<$crate::Subject>::from($subject) {
                    Some(subject) => $crate::$case(subject).await,
                    None => Ok(()),
                }
            }
        )*
    };
}
