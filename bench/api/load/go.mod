module lmapp-bench-load

go 1.25
