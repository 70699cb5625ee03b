# perl quick-line.pl PORT
#
# A line between standard input and output and a port of this machine that acknowledges what comes in at once.
# vpcd writes length and message with two calls; Nagle's algorithm holds the second one back until the first is
# acknowledged, which Linux delays by 40 ms. TCP_QUICKACK ends that, but Node cannot set it.
use strict;
use warnings;
use Socket qw(:DEFAULT IPPROTO_TCP);

my ($port) = @ARGV;
my $TCP_NODELAY = 1;
my $TCP_QUICKACK = 12;
socket(my $line, AF_INET, SOCK_STREAM, 0) or die "socket: $!\n";
connect($line, pack_sockaddr_in($port, INADDR_LOOPBACK)) or die "connect to port $port: $!\n";
setsockopt($line, IPPROTO_TCP, $TCP_NODELAY, 1);

sub copy {
    my ($from, $to) = @_;
    my $length = sysread($from, my $bytes, 65536);
    exit(0) unless $length;
    # The kernel takes this setting back by itself: it is asked for anew after each read.
    setsockopt($line, IPPROTO_TCP, $TCP_QUICKACK, 1);
    for (my $done = 0; $done < $length;) { $done += syswrite($to, $bytes, $length - $done, $done) // exit(1); }
}

my $wanted = '';
vec($wanted, fileno(STDIN), 1) = 1;
vec($wanted, fileno($line), 1) = 1;
while (1) {
    next if select(my $ready = $wanted, undef, undef, undef) < 1;
    copy($line, \*STDOUT) if vec($ready, fileno($line), 1);
    copy(\*STDIN, $line) if vec($ready, fileno(STDIN), 1);
}
