package cloudsim

type Azure struct{}
