//! The suite for our own pair, and the command lines of both programs.

#[cfg(test)]
mod cli;

culvert_e2e::pairing_suite!(ours, Pairing::OURS);
culvert_e2e::hostile_suite!(hostile, Pairing::OURS);
