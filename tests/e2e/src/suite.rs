//! The list of cases, written once for every pairing.

/// Makes a module of tests: every case for one [`Pairing`](crate::Pairing).
///
/// Cases that take minutes are `#[ignore]`d; `cargo xtask test --long` runs them.
#[macro_export]
macro_rules! pairing_suite {
    ($module:ident, $pairing:expr) => {
        #[cfg(test)]
        mod $module {
            use std::time::Duration;

            #[cfg(target_os = "linux")]
            use culvert_kit::Nat;
            use culvert_kit::Result;
            use $crate::{
                Pairing,
                cases::{
                    admin, auth, datagrams, groups, idle, limits, load, login, matrix, mux, origin,
                    programs, recovery, reload, ssh,
                    tls::{self, Refusal, Tls},
                    tunnels::{self, Layers},
                    virtual_net, visitors, wire,
                },
            };

            const PAIRING: Pairing = $pairing;

            $crate::pairing_suite! { @cases
                tcp_plain => tunnels::tcp(PAIRING, Layers::Plain);
                tcp_encrypted => tunnels::tcp(PAIRING, Layers::Encrypted);
                tcp_compressed => tunnels::tcp(PAIRING, Layers::Compressed);
                tcp_encrypted_and_compressed => tunnels::tcp(PAIRING, Layers::Both);
                udp_plain => tunnels::udp(PAIRING, Layers::Plain);
                udp_encrypted => tunnels::udp(PAIRING, Layers::Encrypted);
                udp_compressed => tunnels::udp(PAIRING, Layers::Compressed);
                udp_encrypted_and_compressed => tunnels::udp(PAIRING, Layers::Both);
                udp_over_quic => datagrams::over_quic(PAIRING, "v1", Layers::Plain);
                udp_over_quic_v2 => datagrams::over_quic(PAIRING, "v2", Layers::Plain);
                udp_over_quic_encrypted => datagrams::over_quic(PAIRING, "v1", Layers::Encrypted);
                http_by_host_and_location => tunnels::http(PAIRING, Layers::Plain);
                http_encrypted_and_compressed => tunnels::http(PAIRING, Layers::Both);
                https_by_sni => tunnels::https(PAIRING, Layers::Plain);
                https_encrypted_and_compressed => tunnels::https(PAIRING, Layers::Both);
                bandwidth_at_the_client => limits::bandwidth(PAIRING, "client");
                bandwidth_at_the_server => limits::bandwidth(PAIRING, "server");
                health_of_a_service => limits::health(PAIRING);
                origin_of_streams => origin::streams(PAIRING);
                origin_of_datagrams => origin::datagrams(PAIRING);
                curl_through_http => programs::curl_http(PAIRING);
                curl_and_go_through_https => programs::https_clients(PAIRING);
                websocket_through_http => programs::websocket(PAIRING);
                browser_through_http_and_https => programs::browser(PAIRING);
                wrk_through_http => programs::wrk(PAIRING);
                curl_through_forward_proxies => programs::forward_proxies(PAIRING);
                tcpmux_by_host_and_user => mux::by_host_and_user(PAIRING, Layers::Plain);
                tcpmux_encrypted_and_compressed => mux::by_host_and_user(PAIRING, Layers::Both);
                tcpmux_passthrough => mux::passthrough(PAIRING);
                groups_share => groups::share(PAIRING);
                virtual_net_over_stcp => virtual_net::reaches(PAIRING, "stcp");
                virtual_net_over_xtcp => virtual_net::reaches(PAIRING, "xtcp");
                visitors_plain => visitors::secret_services(
                    PAIRING, "v1", Layers::Plain, Layers::Plain);
                visitors_encrypted_and_compressed => visitors::secret_services(
                    PAIRING, "v1", Layers::Both, Layers::Both);
                visitors_v2_with_other_layers_than_the_proxy => visitors::secret_services(
                    PAIRING, "v2", Layers::Compressed, Layers::Encrypted);
                tls_default => tls::works(PAIRING, Tls::Default);
                tls_disabled => tls::works(PAIRING, Tls::Disabled);
                tls_forced => tls::works(PAIRING, Tls::Forced);
                tls_first_byte => tls::works(PAIRING, Tls::FirstByte);
                tls_one_way => tls::works(PAIRING, Tls::OneWay);
                tls_mutual => tls::works(PAIRING, Tls::Mutual);
                tls_server_name => tls::works(PAIRING, Tls::ServerName);
                tls_without_mux => tls::works(PAIRING, Tls::WithoutMux);
                plain_client_at_forced_tls => tls::refused(PAIRING, Refusal::PlainToForced);
                wrong_server_name => tls::refused(PAIRING, Refusal::WrongServerName);
                unknown_authority => tls::refused(PAIRING, Refusal::UnknownAuthority);
                no_client_certificate => tls::refused(PAIRING, Refusal::NoClientCertificate);
                wrong_token => login::wrong_token(PAIRING);
                waits_for_the_server => login::waits_for_the_server(PAIRING);
                gives_up_without_a_server => login::gives_up(PAIRING);
                port_taken => login::port_taken(PAIRING);
                oidc => auth::oidc(PAIRING);
                oidc_wrong_secret => auth::wrong_secret(PAIRING);
                token_in_a_file => auth::token_in_a_file(PAIRING);
                v2_with_mux => wire::tunnels(PAIRING, true, Layers::Plain);
                v2_without_mux => wire::tunnels(PAIRING, false, Layers::Plain);
                v2_encrypted_and_compressed => wire::tunnels(PAIRING, true, Layers::Both);
                v2_wrong_token => wire::wrong_token(PAIRING);
                v2_at_a_server_that_closes => wire::server_without_it(PAIRING, b"");
                v2_at_a_server_that_answers_in_v1 =>
                    wire::server_without_it(PAIRING, b"1\0\0\0\0\0\0\0\x02{}");
                every_way_over_tcp => matrix::carries(PAIRING, "tcp");
                every_way_over_kcp => matrix::carries(PAIRING, "kcp");
                every_way_over_quic => matrix::carries(PAIRING, "quic");
                every_way_over_websocket => matrix::carries(PAIRING, "websocket");
                every_way_over_wss => matrix::carries(PAIRING, "wss");
                kill_and_restart => recovery::kill_and_restart(PAIRING, 2);
                orderly_succession => recovery::orderly_succession(PAIRING);
                every_call_of_the_dashboards => admin::dashboard_calls(PAIRING);
                proxies_of_the_store => admin::store(PAIRING);
                ssh_with_a_token => ssh::with_a_token(PAIRING);
                ssh_with_a_key => ssh::with_a_key(PAIRING);
                server_reloads_its_rules => reload::rules(PAIRING);
                server_reloads_its_token => reload::token(PAIRING);
                reload_keeps_the_others => admin::reload_keeps_the_others(PAIRING);
                reload_by_signal_and_by_watching =>
                    admin::reload_by_signal_and_by_watching(PAIRING);
                many_reloads_leak_nothing => admin::many_reloads_leak_nothing(PAIRING);
                #[cfg(target_os = "linux")]
                peers_meet_over_quic => $crate::cases::xtcp::meet(
                    PAIRING, (Nat::Easy, Nat::Easy), "quic");
                #[cfg(target_os = "linux")]
                peers_meet_over_kcp => $crate::cases::xtcp::meet(
                    PAIRING, (Nat::Easy, Nat::Easy), "kcp");
                #[cfg(target_os = "linux")]
                a_service_behind_a_hard_nat_is_met => $crate::cases::xtcp::meet(
                    PAIRING, (Nat::Hard, Nat::Easy), "quic");
                #[cfg(target_os = "linux")]
                a_visitor_behind_a_hard_nat_is_met => $crate::cases::xtcp::meet(
                    PAIRING, (Nat::Easy, Nat::Hard), "kcp");
                parallel_echoes => load::parallel_echoes(PAIRING, Layers::Plain, 200);
                parallel_echoes_encrypted_and_compressed =>
                    load::parallel_echoes(PAIRING, Layers::Both, 200);
            }

            $crate::pairing_suite! { @long
                kill_and_restart_20_times => recovery::kill_and_restart(PAIRING, 20);
                idle_for_100_seconds =>
                    idle::keeps_its_session(PAIRING, Duration::from_secs(100));
            }
        }
    };
    (@cases $($(#[$only:meta])* $name:ident => $case:expr;)*) => {
        $(
            $(#[$only])*
            #[tokio::test]
            async fn $name() -> Result {
                $case.await
            }
        )*
    };
    (@long $($name:ident => $case:expr;)*) => {
        $(
            #[tokio::test]
            #[ignore = "takes minutes: cargo xtask test --long"]
            async fn $name() -> Result {
                $case.await
            }
        )*
    };
}

/// Makes a module of tests: hostile peers against the frps of one [`Pairing`](crate::Pairing).
///
/// Only for pairings whose frps is ours: what real frp does with such peers is not ours to test.
#[macro_export]
macro_rules! hostile_suite {
    ($module:ident, $pairing:expr) => {
        #[cfg(test)]
        mod $module {
            use culvert_kit::Result;
            use $crate::{
                Pairing,
                cases::{hostile, smuggling, tunnels},
            };

            const PAIRING: Pairing = $pairing;

            $crate::pairing_suite! { @cases
                bad_input_with_mux => hostile::bad_input(PAIRING, true);
                bad_input_without_mux => hostile::bad_input(PAIRING, false);
                http_service_down => tunnels::http_service_down(PAIRING);
                smuggled_requests => smuggling::nothing_gets_through(PAIRING);
                silent_peers => hostile::crowd_of_silent_peers(PAIRING, 100);
            }

            $crate::pairing_suite! { @long
                silent_peers_cost_others_nothing =>
                    hostile::silence_costs_others_nothing(PAIRING, 500);
            }
        }
    };
}

/// Makes a module of tests for pairings whose frpc is ours, on networks of their own (Linux).
#[macro_export]
macro_rules! network_suite {
    ($module:ident, $pairing:expr) => {
        #[cfg(all(test, target_os = "linux"))]
        mod $module {
            use culvert_kit::Result;
            use $crate::{
                Pairing,
                cases::{auto, roaming},
            };

            #[tokio::test]
            async fn auto_without_udp() -> Result {
                auto::without_udp($pairing).await
            }

            #[tokio::test]
            async fn auto_while_udp_goes_and_comes() -> Result {
                auto::udp_goes_and_comes($pairing).await
            }

            #[tokio::test]
            async fn auto_with_only_a_proxy() -> Result {
                auto::only_a_proxy($pairing).await
            }

            #[tokio::test]
            async fn new_address_over_tcp() -> Result {
                roaming::tcp_comes_back_at_once($pairing).await
            }

            #[tokio::test]
            async fn four_sessions_on_a_lossy_link() -> Result {
                roaming::sessions_add_up($pairing).await
            }

            #[tokio::test]
            async fn auto_with_somebody_in_place_of_the_server() -> Result {
                auto::somebody_in_place_of_the_server($pairing).await
            }
        }
    };
}

/// Makes a module of tests: what a fast path could break, for our pair with some of them left out or
/// forced, in the words of `CULVERT_FAST_PATHS`.
#[macro_export]
macro_rules! fast_paths_suite {
    ($module:ident, $words:expr) => {
        #[cfg(test)]
        mod $module {
            use culvert_kit::Result;
            use $crate::{
                Pairing,
                cases::{
                    datagrams, ends, limits, load, matrix,
                    tunnels::{self, Layers},
                },
            };

            const PAIRING: Pairing = Pairing::ours_with($words);

            $crate::pairing_suite! { @cases
                parallel_echoes => load::parallel_echoes(PAIRING, Layers::Plain, 50);
                parallel_echoes_encrypted_and_compressed =>
                    load::parallel_echoes(PAIRING, Layers::Both, 50);
                bulk_and_ends => ends::arrive(PAIRING, ("", ""), Layers::Plain);
                bulk_and_ends_encrypted_and_compressed =>
                    ends::arrive(PAIRING, ("", ""), Layers::Both);
                bulk_and_ends_of_bare_sockets => ends::arrive(
                    PAIRING,
                    ("transport.tcpMux = false",
                        "transport.tcpMux = false\ntransport.tls.enable = false"),
                    Layers::Plain);
                bulk_and_ends_over_a_bare_mux => ends::arrive(
                    PAIRING, ("", "transport.tls.enable = false"), Layers::Plain);
                bulk_and_ends_over_quic => ends::arrive(
                    PAIRING,
                    ("quicBindPort = PORT", "transport.protocol = \"quic\""),
                    Layers::Plain);
                udp => tunnels::udp(PAIRING, Layers::Plain);
                udp_over_quic => datagrams::over_quic(PAIRING, "v1", Layers::Plain);
                http => tunnels::http(PAIRING, Layers::Plain);
                bandwidth_at_the_client => limits::bandwidth(PAIRING, "client");
                bandwidth_at_the_server => limits::bandwidth(PAIRING, "server");
                every_way_over_tcp => matrix::carries(PAIRING, "tcp");
                every_way_over_kcp => matrix::carries(PAIRING, "kcp");
                every_way_over_websocket => matrix::carries(PAIRING, "websocket");
            }
        }
    };
}
