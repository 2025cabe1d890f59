# Completes the command line of talk in fish.

function __talk_words -d 'The mode and its arguments before the cursor'
    set -l words (commandline --tokenize --cut-at-cursor --current-process)
    set -l name (string match --regex 'talk_(?:client|server)$' -- $words[1])
    and set words talk (string replace talk_ '' -- $name) $words[2..]
    printf '%s\n' $words[2..]
end

function __talk_in -d 'Whether this mode is given, or none'
    set -l words (__talk_words)
    test "$words[1]" = "$argv"
end

function __talk_wants_host -d 'Whether a mode that calls still needs a host'
    __talk_in client; or __talk_in check; or return
    set -l words (__talk_words)
    argparse --ignore-unknown (__talk_options $words[1]) -- $words[2..] 2>/dev/null
    and test (count $argv) -eq 0
end

function __talk_value -d 'How the value of this name is completed'
    switch $argv[1]
        case how
            printf '%s\n' -x -a 'auto xterm tmux console'
        case networks
            printf '%s\n' -r -F
        case user
            printf '%s\n' -x -a '(__fish_complete_users)'
        case '*'
            printf '%s\n' -x
    end
end

complete -c talk -n __talk_in -a help -d 'Show the options of a mode'
complete -c talk -n __talk_in -l version -s V -d 'Show the version'
for program in talk talk_client talk_server
    complete -c $program -f
    complete -c $program -l help -s h -d 'Show the options'
    complete -c $program -n __talk_wants_host -a '(__fish_print_hostnames)' -d Host
end

# GENERATED modes: by make option-lists, from what each mode declares.
function __talk_options
    switch $argv[1]
        case client
            printf '%s\n' name= wait timeout= quiet plain bell
        case server
            printf '%s\n' bind= name= max-calls= max-per-host= allow= deny= user= window= plain bell
        case handler
            printf '%s\n' plain bell
        case check
            printf '%s\n' listen tap limit=
    end
end
complete -c talk -n __talk_in -a client -d "Call a desk"
complete -c talk -n __talk_in -a server -d "Keep a desk"
complete -c talk -n __talk_in -a handler -d "The desk's side of one call"
complete -c talk -n __talk_in -a check -d "Conformance-test a desk or a client"
complete -c talk -n '__talk_in help' -a 'client server handler check'
for program in talk talk_client talk_server
    complete -c $program -n '__talk_in client' -l name (__talk_value name) -d "Your name as shown at the desk"
    complete -c $program -n '__talk_in client' -l wait -d "Wait for replies after end of input"
    complete -c $program -n '__talk_in client' -l timeout (__talk_value seconds) -d "Leave after this many seconds"
    complete -c $program -n '__talk_in client' -l quiet -d "Print only errors on standard error"
    complete -c $program -n '__talk_in client' -l plain -d "Append-only output"
    complete -c $program -n '__talk_in client' -l bell -d "Ring the terminal's bell for each line that arrives"
    complete -c $program -n '__talk_in server' -l bind (__talk_value addr) -d "Address to listen on"
    complete -c $program -n '__talk_in server' -l name (__talk_value name) -d "The desk's name as shown to callers"
    complete -c $program -n '__talk_in server' -l max-calls (__talk_value n) -d "Maximum number of simultaneous calls"
    complete -c $program -n '__talk_in server' -l max-per-host (__talk_value n) -d "Maximum number of simultaneous calls from one host"
    complete -c $program -n '__talk_in server' -l allow (__talk_value networks) -d "Accept calls only from this network"
    complete -c $program -n '__talk_in server' -l deny (__talk_value networks) -d "Reject calls from this network or from the networks in this file"
    complete -c $program -n '__talk_in server' -l user (__talk_value user) -d "Become this user once the port is open"
    complete -c $program -n '__talk_in server' -l window (__talk_value how) -d "How to open windows"
    complete -c $program -n '__talk_in server' -l plain -d "Append-only output in the windows"
    complete -c $program -n '__talk_in server' -l bell -d "Ring a window's bell for each line that arrives"
    complete -c $program -n '__talk_in handler' -l plain -d "Append-only output"
    complete -c $program -n '__talk_in handler' -l bell -d "Ring the terminal's bell for each line that arrives"
    complete -c $program -n '__talk_in check' -l listen -d "Act as the desk"
    complete -c $program -n '__talk_in check' -l tap -d "Print the results as TAP version 14"
    complete -c $program -n '__talk_in check' -l limit (__talk_value seconds) -d "Seconds to wait for each answer"
end
# END modes
