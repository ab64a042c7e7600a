//! The suite for our own pair, and the command lines of both programs.

#[cfg(test)]
mod cli;

culvert_e2e::pairing_suite!(ours, Pairing::OURS);
culvert_e2e::hostile_suite!(hostile, Pairing::OURS);
culvert_e2e::network_suite!(networks, Pairing::OURS);
culvert_e2e::fast_paths_suite!(without_fast_paths, "none");
culvert_e2e::fast_paths_suite!(fast_paths_forced, "all");

/// What only our programs have.
#[cfg(test)]
mod ours_alone {
    #[cfg(target_os = "linux")]
    use culvert_e2e::cases::{lossy, roaming};
    use culvert_e2e::{
        Pairing,
        cases::{datagrams, logs},
    };
    use culvert_kit::Result;

    /// Two servers at two addresses of this machine, which other systems do not have.
    #[cfg(target_os = "linux")]
    mod several_servers {
        use culvert_e2e::{Pairing, cases::servers};
        use culvert_kit::Result;

        #[tokio::test]
        async fn failover() -> Result {
            servers::failover(Pairing::OURS).await
        }

        #[tokio::test]
        async fn silence() -> Result {
            servers::silence(Pairing::OURS).await
        }

        #[tokio::test]
        async fn active_active() -> Result {
            servers::active_active(Pairing::OURS).await
        }

        #[tokio::test]
        async fn latency() -> Result {
            servers::latency(Pairing::OURS).await
        }

        #[tokio::test]
        async fn gives_up() -> Result {
            servers::gives_up(Pairing::OURS).await
        }

        #[tokio::test]
        async fn records() -> Result {
            servers::records(Pairing::OURS).await
        }
    }

    #[tokio::test]
    async fn log_files() -> Result {
        logs::files(Pairing::OURS).await
    }

    #[tokio::test]
    async fn log_levels() -> Result {
        logs::levels(Pairing::OURS).await
    }

    #[tokio::test]
    async fn datagrams_turned_off() -> Result {
        datagrams::turned_off(Pairing::OURS).await
    }

    #[tokio::test]
    async fn datagrams_of_limited_proxies() -> Result {
        datagrams::limited(Pairing::OURS).await
    }

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn new_address_over_quic() -> Result {
        roaming::quic_moves_with_its_streams(Pairing::OURS).await
    }

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn datagrams_over_a_lossy_link() -> Result {
        lossy::answers_in_time(Pairing::OURS).await
    }
}
