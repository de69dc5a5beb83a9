package main

import "context"

func extractAll(ctx context.Context, gen string) error { return nil }
