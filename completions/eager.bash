# shellcheck shell=bash
# What bash-completion reads at its start. It has completions for the talk of 4.2BSD, which would keep those of this
# program from being loaded when they are first needed.
complete -r talk 2>/dev/null
