#!/bin/bash
# A machine of its own within this one: systemd as process 1 over a copy-on-write view of this
# system's files, with its own processes, mounts, network and control groups. Runs in a mount
# namespace of its own, so that nothing of it outlives it.
#
#   machine.sh CGROUP NODE CHECKOUT
#
# Each line `boot` on standard input boots it; when it is up its process 1 is told on standard
# output as `up PID`, when it is down `down`. The end of standard input ends it all.
set -eu
cgroup=$1 node=$2 checkout=$3
# Covered in the namespace alone.
base=/mnt

mount --make-rprivate /
mount -t tmpfs tmpfs "$base"
mkdir "$base/upper" "$base/work" "$base/root"
mkfifo "$base/ready"
mount -t overlay overlay -o "lowerdir=/,upperdir=$base/upper,workdir=$base/work" "$base/root"
cd "$base/root"

rm -rf etc/systemd/system/*.wants etc/systemd/system/*.requires
for unit in getty.target systemd-logind.service systemd-udevd.service systemd-udev-trigger.service \
  systemd-udevd-control.socket systemd-udevd-kernel.socket systemd-modules-load.service \
  systemd-sysctl.service systemd-remount-fs.service systemd-random-seed.service \
  systemd-timesyncd.service systemd-update-utmp.service; do
  ln -sf /dev/null "etc/systemd/system/$unit"
done
: >etc/fstab
mkdir -p usr/lib/node_modules/forge-landing-kit old
ln -sf ../lib/node_modules/forge-landing-kit/dist/land.js usr/bin/land
rm -f usr/bin/node land-ready
touch usr/bin/node land-ready
for kind in sysusers.d tmpfiles.d; do
  mkdir -p "etc/$kind"
  cp "$checkout/deploy/$kind/forge-landing-kit.conf" "etc/$kind/"
done
cp "$checkout"/deploy/systemd/* etc/systemd/system/
cat >etc/systemd/system/land-ready.service <<'END'
[Unit]
After=multi-user.target
[Service]
Type=oneshot
ExecStart=/bin/sh -c 'echo up >/land-ready'
END
mkdir etc/systemd/system/default.target.wants
ln -s ../land-ready.service etc/systemd/system/default.target.wants/
ln -sf /usr/lib/systemd/system/multi-user.target etc/systemd/system/default.target

export base cgroup node checkout
boot() {
  setpriv --pdeathsig KILL unshare --kill-child --pid --mount --uts --ipc --net --fork bash -c '
    set -eu
    echo 0 >"$cgroup/cgroup.procs"
    exec unshare --cgroup bash -c "
      set -eu
      mount --bind $base/root $base/root
      cd $base/root
      mount -t proc proc proc
      mount -t sysfs -o ro sysfs sys
      mount -t cgroup2 cgroup2 sys/fs/cgroup
      for at in run tmp dev; do mount -t tmpfs -o mode=755 tmpfs \$at; done
      chmod 1777 tmp
      for at in null zero full random urandom tty; do touch dev/\$at; mount --bind /dev/\$at dev/\$at; done
      mkdir dev/pts dev/shm
      mount -t devpts -o newinstance,ptmxmode=0666 devpts dev/pts
      mount -t tmpfs tmpfs dev/shm
      ln -s pts/ptmx dev/ptmx
      ln -s /proc/self/fd dev/fd
      mount --bind -o ro $checkout usr/lib/node_modules/forge-landing-kit
      mount --bind -o ro $node usr/bin/node
      mount --bind $base/ready land-ready
      pivot_root . old
      cd /
      umount -l /old
      exec env -i container=land /usr/lib/systemd/systemd --system --show-status=no --log-target=journal
    "' </dev/null >&2 &
  unshare=$!
  read -r _ <"$base/ready"
  echo "up $(cat "/proc/$unshare/task/$unshare/children")"
  wait "$unshare" || true
  echo down
}
while read -r _; do boot; done
