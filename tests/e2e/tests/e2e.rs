//! The suite for our own pair, and the command lines of both programs.

#[cfg(test)]
mod cli;

culvert_e2e::pairing_suite!(ours, Pairing::OURS);
culvert_e2e::hostile_suite!(hostile, Pairing::OURS);

/// What only our programs have.
#[cfg(test)]
mod ours_alone {
    use culvert_e2e::{Pairing, cases::logs};
    use culvert_kit::Result;

    #[tokio::test]
    async fn log_files() -> Result {
        logs::files(Pairing::OURS).await
    }
}
