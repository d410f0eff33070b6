def command(): "x"
