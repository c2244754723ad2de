//! nginx as a plain reverse proxy: one worker, kept connections, nothing buffered, no log.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::Path;

use anyhow::Context;
use tokio::process::Command;

use crate::process::Process;

/// Starts it with a configuration of its own in `folder`.
pub(crate) async fn start(upstream: SocketAddr, folder: &Path) -> anyhow::Result<Process> {
    let address = free_address()?;
    let file = folder.join("nginx.conf");
    std::fs::write(&file, configuration(upstream, address, folder))?;
    // Debian installs it where only root's PATH leads.
    let found = ["nginx", "/usr/sbin/nginx", "/usr/local/sbin/nginx"].into_iter().find(|program| {
        let version = std::process::Command::new(program).arg("-v").stderr(std::process::Stdio::null()).status();
        version.is_ok_and(|status| status.success())
    });
    let program = found.context("nginx is not installed: `apt-get install nginx-light`")?;
    let mut command = Command::new(program);
    command.arg("-e").arg(folder.join("nginx.log")).arg("-p").arg(folder).arg("-c").arg(&file);
    Process::silent(&mut command, address).await.with_context(|| {
        let log = std::fs::read_to_string(folder.join("nginx.log")).unwrap_or_default();
        format!("nginx did not start\n{log}")
    })
}

/// For a program that takes no port 0: asks the system for a free one.
pub(crate) fn free_address() -> anyhow::Result<SocketAddr> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?)
}

fn configuration(upstream: SocketAddr, address: SocketAddr, folder: &Path) -> String {
    let folder = folder.display();
    format!(
        "worker_processes 1;
worker_rlimit_nofile 16384;
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/nginx.log error;
events {{ worker_connections 16384; }}
http {{
    access_log off;
    server_tokens off;
    keepalive_requests 100000000;
    client_max_body_size 64m;
    # Larger than any body here, so that none goes through a file.
    client_body_buffer_size 1m;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    upstream runtime {{
        server {upstream};
        keepalive 128;
        keepalive_requests 100000000;
    }}
    server {{
        listen {address} backlog=1024;
        location / {{
            proxy_pass http://runtime;
            proxy_http_version 1.1;
            proxy_set_header Connection \"\";
            proxy_buffering off;
            proxy_read_timeout 1h;
        }}
    }}
}}
"
    )
}
