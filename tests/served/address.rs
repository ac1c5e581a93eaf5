//! Where it listens, and whether.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};

use crate::support::{Sidecar, unique_name};
use crate::{Config, Served, http, process};

#[test]
fn an_address_in_use_ends_it_with_a_line_that_names_the_setting_and_the_mend() {
    let (config, taken) = (Config::new(), TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap());
    let address = taken.local_addr().unwrap().to_string();
    let builder = Sidecar::builder().config_dir(config.path()).process_name(&unique_name());
    let ended = builder.env("LISTEN_ADDR", &address).run();
    assert_eq!(ended.status.code(), Some(1), "{}", ended.log);
    assert_eq!(ended.log.lines().count(), 1, "{}", ended.log);
    for part in [
        &format!("cannot listen on LISTEN_ADDR={address}: "),
        "in use",
        "give an address of the pod and a port that no container of it uses",
    ] {
        assert!(ended.log.contains(part), "{}\nlacks {part}", ended.log);
    }
}

/// Half of all addresses would be a surprise.
#[test]
fn a_port_in_use_is_not_taken_on_the_addresses_that_are_left() {
    let Ok(taken) = TcpListener::bind((Ipv6Addr::LOCALHOST, 0)) else {
        return eprintln!("left out, for there is no IPv6");
    };
    let (config, port) = (Config::new(), taken.local_addr().unwrap().port());
    let builder = Sidecar::builder().config_dir(config.path()).process_name(&unique_name());
    let ended = builder.env("LISTEN_ADDR", format!(":{port}")).run();
    assert_eq!(ended.status.code(), Some(1), "{}", ended.log);
    assert!(ended.log.contains(&format!("cannot listen on LISTEN_ADDR=:{port}: ")), "{}", ended.log);
}

#[test]
fn a_port_alone_is_on_all_addresses() {
    let config = Config::new();
    let builder = Sidecar::builder().config_dir(config.path()).process_name(&unique_name());
    let served = Served::listening(":0", builder);
    let port = served.address.port();
    let families: [SocketAddr; 2] = [(Ipv4Addr::LOCALHOST, port).into(), (Ipv6Addr::LOCALHOST, port).into()];
    for address in families {
        // A machine without IPv6 has no such address at all.
        if TcpListener::bind((address.ip(), 0)).is_ok() {
            assert_eq!(http::get(address, "/healthz").status, 200, "{address}");
        } else {
            eprintln!("left out, for there is no {}", address.ip());
        }
    }
}

#[test]
fn one_address_is_only_that() {
    let config = Config::new();
    let served = Served::watching(config.path(), &unique_name());
    let other: SocketAddr = (Ipv4Addr::new(127, 0, 0, 2), served.address.port()).into();
    assert!(std::net::TcpStream::connect(other).is_err());
    assert_eq!(served.get("/healthz").status, 200);
}

#[test]
fn without_the_setting_there_is_no_socket() {
    let config = Config::new();
    let builder = || Sidecar::builder().config_dir(config.path()).process_name(&unique_name());
    let silent = builder().spawn();
    assert_eq!(process::ip_sockets(silent.pid()), 0);
    assert_eq!(silent.log_lines(" listening "), [""; 0]);
    let served = Served::start(builder());
    assert_eq!(process::ip_sockets(served.sidecar.pid()), 1);
}
