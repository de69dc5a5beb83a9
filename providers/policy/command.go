package policy

// Command is one parsed command. What was judged is what runs: Argv goes to the executor unchanged.
type Command struct {
	Argv     []string // the words; Argv[0] is the program's bare name
	Provider string   // the cloud: aws, gcp, azure, scaleway, tailscale, ovh; or kubernetes, terraform, helm
	Path     string   // the command words found in the tables, such as "aws ec2 describe-instances"
}

// Refusal says why a line or an argv could not be made into a Command.
type Refusal struct {
	Rule    string // unparsed or unknown
	Reason  string // a sentence a person can act on
	Nearest string // the nearest known command or program, when there is one
}

// Verdict is what the engine knows about a command, whoever asks for it.
type Verdict struct {
	Provider string
	Path     string // the command words, such as "gcloud compute instances list"
	Effect   Effect
	Facets   Facets
	Rule     string // stable name of the rule that decided the effect
	Reason   string // a sentence a person can act on

	Masked   []string // JSON paths of secret members, such as "Functions[].Environment.Variables"; "*" is everything
	Nearest  string   // the nearest known command or flag when Rule is unknown
	Scope    []Scope  // project, account, region, ... named in the argv; must belong to the connection
	DryRun   []string // the argv of a safe dry run, nil when the CLI has none
	Output   Output   // what the caller asked for in --query, --format, -o and the like
	Flags    []Flag   // every flag as given, for org rules, card and audit
	Position []string // positional arguments, for card and audit
}

// Flag is one flag of a command.
type Flag struct {
	Name    string // its first spelling in the grammar
	Written string // as written
	Value   string // empty for a switch
}

// Scope is a place named by a flag or an argument of the command.
type Scope struct {
	Kind  string // project, account, subscription, region, zone, tenant, organization, folder, management-group, tailnet, context, namespace
	Flag  string // as written; of an argument what names it
	Value string
}

// Output is the shape of the output that was asked for. When members must be masked the executor leaves
// these flags out, forces JSON, masks, and applies them itself or shows plain JSON.
type Output struct {
	Format string // value of --format, --output, -o; empty when not given
	Query  string // value of --query or of a jsonpath; empty when not given

	Reshaped bool // gcloud's rows were asked for as something else, by --flatten or --uri
}
