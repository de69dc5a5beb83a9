package policy

// TableReleases gives the releases of a CLI that the tables were made of, as the beginning of their numbers. The gsutil
// and bq of an SDK have its number.
func TableReleases(program string) []string {
	switch program {
	case "aws":
		return []string{"1.45", "2"}
	case "gcloud", "gsutil", "bq":
		return []string{"528"}
	case "az":
		return []string{"2.45"}
	case "scw":
		return []string{"2.40"}
	}
	return nil
}
