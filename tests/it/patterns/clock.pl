# Runs the program named first on a clock of its own: it stands still until main::advance moves it.
use strict;
use warnings;

BEGIN {
    our $now = 0;
    *CORE::GLOBAL::time = sub () { $main::now };
}

sub main::advance { return $main::now = $_[0] }

my $program = shift @ARGV;
$0 = $program;
defined(do $program) or die "$program: ", $@ || $!, "\n";
