#!/usr/bin/env bash
# Unpacks Debian's nginx into the cache, for `make bench` to compare with. Nothing is installed and no service started.
. "$(dirname "$0")/../../src-tauri/engine/common.sh"

out=$cache/nginx

lock nginx
if nginx=$(PATH=$PATH:/usr/sbin:$out/usr/sbin command -v nginx); then
    say "$nginx is there"
    exit
fi
command -v apt-get >/dev/null || die "please install nginx, by this system's own means"
say "fetching nginx"
rm -rf "$out.work"
mkdir -p "$out.work"
if ! (cd "$out.work" && apt-get download -q nginx >/dev/null 2>&1); then
    sudo=$([ "$(id -u)" = 0 ] || echo sudo)
    $sudo apt-get update -qq
    (cd "$out.work" && apt-get download -q nginx)
fi
dpkg -x "$out.work"/nginx_*.deb "$out.work"
"$out.work/usr/sbin/nginx" -v
rm -rf "$out"
mv "$out.work" "$out"
say "$out/usr/sbin/nginx is there"
