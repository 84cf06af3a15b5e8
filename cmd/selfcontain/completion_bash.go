package main

import (
	"fmt"
	"strings"
)

// bashScript looks for the verb, over the program's own flags, and for the first word
// behind it that belongs to neither a flag nor its value.
func bashScript(list []completed) string {
	var b strings.Builder
	b.WriteString(`# bash completion of selfcontain
_selfcontain() {
	local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} verb= i=1 rest=0 word
	COMPREPLY=()
	while ((i < COMP_CWORD)); do
		word=${COMP_WORDS[i]}
		case $verb:$word in
		*:--) if [[ $verb ]]; then ((rest = i + 1)); break; fi ;;
`)
	for _, c := range list {
		var with []string
		for _, f := range c.flags {
			if f.value {
				with = append(with, c.name+":"+f.name)
			}
		}
		if len(with) > 0 {
			b.WriteString("\t\t" + strings.Join(with, "|") + ") ((i++)) ;;\n")
		}
	}
	var inner []string
	for _, name := range plannable {
		inner = append(inner, "plan:"+name, "trace:"+name)
	}
	b.WriteString("\t\t*:-*) ;;\n\t\t" + strings.Join(inner, "|") + `) verb=$word ;;
		:*) verb=$word ;;
		*) ((rest = i)); break ;;
		esac
		((i++))
	done
	if ((rest > 0)); then
		if [[ $verb == box ]]; then
			if ((rest == COMP_CWORD)); then
				COMPREPLY=($(compgen -c -- "$cur"))
			else
				compopt -o default
			fi
		fi
		return
	fi
	case $verb:$prev in
`)
	for _, c := range list {
		for _, f := range c.flags {
			switch {
			case !f.value:
			case f.words != nil:
				fmt.Fprintf(&b, "\t%s:%s) COMPREPLY=($(compgen -W '%s' -- \"$cur\")); return ;;\n", c.name, f.name, strings.Join(f.words, " "))
			case f.dir:
				fmt.Fprintf(&b, "\t%s:%s) compopt -o filenames; COMPREPLY=($(compgen -f -- \"$cur\")); return ;;\n", c.name, f.name)
			default:
				fmt.Fprintf(&b, "\t%s:%s) return ;;\n", c.name, f.name)
			}
		}
	}
	b.WriteString("\tesac\n\tcase $verb:$cur in\n")
	for _, c := range list {
		fmt.Fprintf(&b, "\t%s:-*) COMPREPLY=($(compgen -W '%s' -- \"$cur\")) ;;\n", c.name, c.names())
		switch {
		case c.words != nil:
			fmt.Fprintf(&b, "\t%s:*) COMPREPLY=($(compgen -W '%s' -- \"$cur\")) ;;\n", c.name, strings.Join(c.words, " "))
		case c.command:
			fmt.Fprintf(&b, "\t%s:*) COMPREPLY=($(compgen -c -- \"$cur\")) ;;\n", c.name)
		}
	}
	b.WriteString("\tesac\n}\ncomplete -F _selfcontain selfcontain\n")
	return b.String()
}
