//! What a service manager hears of the running service, on a socket as systemd has one.

use std::os::unix::net::UnixDatagram;

use tokio::net::UnixDatagram as Socket;

use crate::support::service::{PATIENCE, Setup};

/// The next message that says this.
async fn hears(socket: &Socket, wanted: &str) -> String {
    let hearing = async {
        loop {
            let mut bytes = [0_u8; 1_024];
            let length = socket.recv(&mut bytes).await.unwrap();
            let message = String::from_utf8_lossy(&bytes[..length]).into_owned();
            if message.lines().any(|line| line == wanted) {
                return message;
            }
        }
    };
    tokio::time::timeout(PATIENCE, hearing).await.unwrap_or_else(|_| panic!("nobody said {wanted}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn ready_alive_reloading_and_stopping_are_said_to_the_service_manager() {
    let mut setup = Setup::new(&[("rules.yaml", "rules: []\n")]);
    let path = setup.path("notify");
    let socket = UnixDatagram::bind(&path).unwrap();
    socket.set_nonblocking(true).unwrap();
    let socket = Socket::from_std(socket).unwrap();
    setup.environment.push(("NOTIFY_SOCKET".to_owned(), path.display().to_string()));
    setup.environment.push(("WATCHDOG_USEC".to_owned(), "3000000".to_owned()));
    let service = setup.spawn();
    hears(&socket, "READY=1").await;
    for _ in 0..3 {
        hears(&socket, "WATCHDOG=1").await;
    }
    let pid = service.process.id().unwrap().to_string();
    for good in [true, false] {
        if !good {
            setup.write_rule("broken.yaml", "rules: 1\n");
        }
        assert!(std::process::Command::new("kill").args(["-HUP", &pid]).status().unwrap().success());
        let reloading = hears(&socket, "RELOADING=1").await;
        assert!(reloading.lines().any(|line| line.starts_with("MONOTONIC_USEC=")), "{reloading}");
        hears(&socket, "READY=1").await;
    }
    let stopping = service.terminate();
    let (status, _) = tokio::join!(stopping, hears(&socket, "STOPPING=1"));
    assert_eq!(status.code(), Some(0));
}
