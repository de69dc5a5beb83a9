package cloudsim

import "strings"

// Dataset is one BigQuery dataset.
type Dataset struct {
	ID       string  `json:"id"`
	Location string  `json:"location"`
	Tables   []Table `json:"tables,omitempty"`
}

// Table is one BigQuery table; every column holds strings.
type Table struct {
	ID      string     `json:"id"`
	Columns []string   `json:"columns"`
	Rows    [][]string `json:"rows,omitempty"`
}

// QueryJob is one query that was run, or tried with dryRun.
type QueryJob struct {
	ID      string     `json:"id"`
	User    string     `json:"user"`
	Query   string     `json:"query"`
	Columns []string   `json:"columns,omitempty"`
	Rows    [][]string `json:"rows,omitempty"`
	Bytes   int        `json:"bytes"`
	DryRun  bool       `json:"dry_run,omitempty"`
}

func defaultDatasets() []Dataset {
	return []Dataset{
		{ID: "orders", Location: "EU", Tables: []Table{
			{ID: "carts", Columns: []string{"cart", "state"}, Rows: [][]string{{"c-1", "paid"}, {"c-2", "open"}}},
			{ID: "refunds", Columns: []string{"cart", "reason"}},
		}},
		{ID: "metrics", Location: "US"},
	}
}

func (p *Project) dataset(id string) *Dataset {
	for i := range p.Datasets {
		if d := &p.Datasets[i]; d.ID == id {
			return d
		}
	}
	return nil
}

// table finds a table by its dataset's name and its own.
func (p *Project) table(dataset, id string) *Table {
	d := p.dataset(dataset)
	if d == nil {
		return nil
	}
	for i := range d.Tables {
		if t := &d.Tables[i]; t.ID == id {
			return t
		}
	}
	return nil
}

func (p *Project) job(id string) *QueryJob {
	for i := range p.Queries {
		if j := &p.Queries[i]; j.ID == id {
			return j
		}
	}
	return nil
}

// size is what a query over the whole table reads.
func (t *Table) size() int {
	n := 0
	for _, row := range t.Rows {
		n += len(strings.Join(row, "")) + 2*len(row)
	}
	return n
}
