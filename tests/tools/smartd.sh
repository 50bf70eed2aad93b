# The script that smartd runs, with the environment that smartd makes; smartd itself finds no disk in a test's machine.
PACKAGES="smartmontools"
version() { "$T/usr/sbin/smartd" -V | head -1 | cut -d' ' -f1-2; }
try_smartd() {
  hook smartd-hook "--source smartd --env 'SMARTD_*'"
  run() { SMARTD_DEVICE=/dev/sda SMARTD_DEVICESTRING=/dev/sda SMARTD_DEVICETYPE=sat SMARTD_FAILTYPE=$1 SMARTD_MESSAGE="$2" SMARTD_ADDRESS='<nomailer>' "$D/smartd-hook"; }
  run CurrentPendingSector $'Device: /dev/sda [SAT], 8 Currently unreadable (pending) sectors\nSMARTD_FAILTYPE=EmailTest'
  until_true 20 firing alertname=DiskFailing device=/dev/sda kind=CurrentPendingSector
  run EmailTest 'TEST EMAIL from smartd for device: /dev/sda'
  until_true 20 counted smartd point 1
}
