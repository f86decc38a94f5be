nohz_full=2-3
