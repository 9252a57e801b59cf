module exectrace.test/record

go 1.22.0

require golang.org/x/exp v0.0.0-20240909161429-701f63a606c0
