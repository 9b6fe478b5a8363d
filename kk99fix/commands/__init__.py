"""One module per command of `kk99fix`; `kk99fix.cli` names them and imports them when asked for."""
