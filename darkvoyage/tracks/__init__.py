"""From fixes to tracks: what is wrong with a fix, and which hull it belongs to."""
