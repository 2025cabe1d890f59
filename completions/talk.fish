# Completes the command line of talk in fish. Options are those of each mode's --help: tests/completions.rs compares them.

function __talk_words -d 'The mode, and the words before the cursor that come after it'
    set -l words (commandline --tokenize --cut-at-cursor --current-process)
    set -l name (string match --regex 'talk_(?:client|server)$' -- $words[1])
    and set words talk (string replace talk_ '' -- $name) $words[2..]
    printf '%s\n' $words[2..]
end

function __talk_in -d 'Whether the words are those of this mode, or of none'
    set -l words (__talk_words)
    test "$words[1]" = "$argv"
end

function __talk_wants_host -d 'Whether a mode that calls has no host yet'
    __talk_in client; or __talk_in check; or return
    set -l words (__talk_words)
    argparse --ignore-unknown name= wait timeout= quiet plain bell listen tap limit= -- $words[2..] 2>/dev/null
    and test (count $argv) -eq 0
end

complete -c talk -n __talk_in -a client -d 'Call somebody'
complete -c talk -n __talk_in -a server -d 'Keep a desk'
complete -c talk -n __talk_in -a handler -d 'Hold the desk\'s end of a call'
complete -c talk -n __talk_in -a check -d 'Test an own implementation'
complete -c talk -n __talk_in -a help -d 'Show the options of a mode'
complete -c talk -n __talk_in -l version -s V -d 'Show the version'
complete -c talk -n '__talk_in help' -a 'client server handler check'

for program in talk talk_client talk_server
    complete -c $program -f
    complete -c $program -l help -s h -d 'Show the options'
    complete -c $program -n __talk_wants_host -a '(__fish_print_hostnames)' -d Host
    for mode in client server handler
        complete -c $program -n "__talk_in $mode" -l plain -d 'Only append lines'
        complete -c $program -n "__talk_in $mode" -l bell -d 'Ring when a line arrives'
    end
    complete -c $program -n '__talk_in client' -l name -x -d 'What the desk calls you'
    complete -c $program -n '__talk_in client' -l wait -d 'Stay for answers after the input has ended'
    complete -c $program -n '__talk_in client' -l timeout -x -d 'End after this time at most'
    complete -c $program -n '__talk_in client' -l quiet -d 'No notices, only errors'
    complete -c $program -n '__talk_in server' -l name -x -d 'What callers see as the name of the desk'
    complete -c $program -n '__talk_in server' -l bind -x -d 'The address to listen on'
    complete -c $program -n '__talk_in server' -l max-calls -x -d 'The most calls at once'
    complete -c $program -n '__talk_in server' -l max-per-host -x -d 'The most calls at once from one host'
    complete -c $program -n '__talk_in server' -l allow -rF -d 'Let only these networks call'
    complete -c $program -n '__talk_in server' -l deny -rF -d 'Do not let these networks call'
    complete -c $program -n '__talk_in server' -l window -xa 'auto xterm tmux console' -d 'What opens a window'
    complete -c $program -n '__talk_in server' -l user -xa '(__fish_complete_users)' -d 'Become this user once the port is open'
    complete -c $program -n '__talk_in check' -l listen -d 'Be the desk that a client calls'
    complete -c $program -n '__talk_in check' -l tap -d 'Print TAP version 14'
    complete -c $program -n '__talk_in check' -l limit -x -d 'How long an answer may take'
end
