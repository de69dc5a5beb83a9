package providers

// Programs are the CLIs found on this machine, by name (aws, gcloud, ...).
type Programs map[string]Program

// Program is one CLI, resolved past its wrapper scripts.
type Program struct {
	Name string
}
