# shellcheck shell=bash
# Completes the command line of talk in bash, which is all that it needs.

# GENERATED modes: by make option-lists, from what each mode declares.
_talk_lists() {
    modes='client server handler check'
    valued=' --allow --bind --deny --limit --max-calls --max-per-host --name --timeout --user --window '
    case $1 in
    client) options='--name --wait --timeout --quiet --plain --bell --help' ;;
    server) options='--bind --name --max-calls --max-per-host --allow --deny --user --window --plain --bell --help' ;;
    handler) options='--plain --bell --help' ;;
    check) options='--listen --tap --limit --help' ;;
    esac
}
# END modes

_talk() {
    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]} mode=${1##*/} first=1
    local modes valued options=
    mode=${mode#talk_}
    COMPREPLY=()
    if [[ $mode == talk ]]; then
        if ((COMP_CWORD == 1)); then
            _talk_lists
            case $cur in
            -*) _talk_words '--help --version' ;;
            *) _talk_words "$modes help" ;;
            esac
            return
        fi
        mode=${COMP_WORDS[1]} first=2
    fi
    _talk_lists "$mode"
    # Readline cuts --option=value into three words.
    if [[ $cur == = ]]; then
        cur=
    elif [[ $prev == = ]]; then
        prev=${COMP_WORDS[COMP_CWORD - 2]}
    fi
    case $prev in
    --window) _talk_words 'auto xterm tmux console' ;;
    --user) mapfile -t COMPREPLY < <(compgen -u -- "$cur") ;;
    --allow | --deny)
        compopt -o filenames 2>/dev/null
        mapfile -t COMPREPLY < <(compgen -f -- "$cur")
        ;;
    *) [[ $valued == *" $prev "* ]] || _talk_arguments "$mode" "$first" ;;
    esac
}

# Completes an option or an argument, where no option waits for its value. Arguments: the mode, and the number of the
# first word after it.
_talk_arguments() {
    case $1:$cur in
    help:*) ((COMP_CWORD == 2)) && _talk_words "$modes" ;;
    *:-*) _talk_words "$options" ;;
    client:* | check:*) _talk_first "$2" && _talk_hosts ;;
    esac
}

_talk_words() {
    mapfile -t COMPREPLY < <(compgen -W "$1" -- "$cur")
}

# Whether the word being typed is the first that is neither an option nor the value of one.
_talk_first() {
    local at
    for ((at = $1; at < COMP_CWORD; at++)); do
        if [[ $valued == *" ${COMP_WORDS[at]} "* ]]; then
            ((at++))
            [[ ${COMP_WORDS[at]} != = ]] || ((at++))
        elif [[ ${COMP_WORDS[at]} != -* ]]; then
            return 1
        fi
    done
}

# The names in /etc/hosts and in known_hosts, where they are not hashed.
_talk_hosts() {
    local known=~/.ssh/known_hosts
    mapfile -t COMPREPLY < <(
        compgen -A hostname -- "$cur"
        # A colon would cut the word: addresses of IPv6 are left out, and the port of [name]:port.
        [[ -r $known ]] && compgen -W "$(awk '/^[^|@#*?]/ {
            count = split($1, hosts, ",")
            for (i = 1; i <= count; i++) {
                host = hosts[i]
                if (sub(/^\[/, "", host)) sub(/\]:[0-9]+$/, "", host)
                if (host ~ /^[A-Za-z0-9._-]+$/) print host
            }
        }' "$known")" -- "$cur"
    )
}

complete -F _talk talk talk_client talk_server
