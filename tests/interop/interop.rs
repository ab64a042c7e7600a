//! The suite for our programs with real frp, both ways round.
//!
//! Real frp is found through `FRP_PEER_FRPS` and `FRP_PEER_FRPC`; without them every case says
//! that it is skipped.

culvert_e2e::pairing_suite!(our_server, Pairing::OUR_SERVER);
culvert_e2e::pairing_suite!(our_client, Pairing::OUR_CLIENT);
culvert_e2e::hostile_suite!(hostile_at_our_server, Pairing::OUR_SERVER);
culvert_e2e::network_suite!(networks_at_real_frps, Pairing::OUR_CLIENT);
