# perl pcscd-starter.pl SOCKET COMMAND...
#
# Runs a pcscd that answers on a socket of ours. pcscd has the path of its socket compiled in, but takes a listening socket
# as systemd would hand it over (sd_listen_fds(3): descriptor 3, LISTEN_FDS, LISTEN_PID). Node can do neither: its own
# listening sockets are accepted from by itself, and LISTEN_PID must be known before exec.
# Ends pcscd when standard input closes, so that it does not outlive the tests, and ends with pcscd's own status.
use strict;
use warnings;
use Errno ();
use POSIX ();
use Socket;

my ($path, @command) = @ARGV;
# Descriptors up to this one are kept across exec.
$^F = 16;
socket(my $listener, AF_UNIX, SOCK_STREAM, 0) or die "socket: $!\n";
bind($listener, pack_sockaddr_un($path)) or die "bind $path: $!\n";
chmod(0600, $path) or die "chmod $path: $!\n";
listen($listener, 16) or die "listen: $!\n";

my $child = fork() // die "fork: $!\n";
if ($child == 0) {
    if (fileno($listener) != 3) { POSIX::dup2(fileno($listener), 3) // die "dup2: $!\n"; }
    open(STDIN, '<', '/dev/null') or die "/dev/null: $!\n";
    $ENV{LISTEN_PID} = $$;
    $ENV{LISTEN_FDS} = 1;
    exec { $command[0] } @command or die "exec $command[0]: $!\n";
}
close($listener);

sub finish { unlink($path); exit(($? & 127) ? 128 + ($? & 127) : $? >> 8); }
$SIG{CHLD} = sub { finish() if waitpid($child, 0) == $child; };
$SIG{TERM} = $SIG{INT} = sub { kill('TERM', $child); };
while (1) {
    my $read = sysread(STDIN, my $buffer, 64);
    next if !defined($read) && $!{EINTR};
    last if !$read;
}
kill('TERM', $child);
sleep(1) while 1;
