// Package bot is Aurora's voice: who speaks, where, and what is said back. A chat adapter (bot/slack, bot/teams) hands
// it events through Intake and offers it a Chat to answer with; Worker pulls the queue of threads, finds out who asks,
// obeys verbs, lets package agent answer the rest, and puts every message into the outbox before it is sent.
//
// It is called by cmd and by the adapters. It never speaks a platform's protocol, never runs a command (providers does)
// and never keeps in memory what another replica would miss.
package bot
