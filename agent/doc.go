// Package agent answers one ask: it goes to and fro between a language model and the executor until there is an answer,
// a command that waits for a person's click, or a limit. Package bot calls it with a Turn and renders the Events that
// come back; package providers runs the commands; agent/openai speaks to the model.
//
// The model is never trusted. Its calls run only through the Runner, which judges every argv; whatever it reads besides
// the asker's own words taints the turn. Each reply is journaled before any of its calls run and each result before the
// model is asked again, so a turn that lost its process goes on elsewhere without asking or running anything twice.
//
// It never speaks a chat platform, never decides what is allowed, never touches a credential or a confirmation's nonce,
// and keeps nothing in memory between turns.
package agent
