package cloudsim

// mount puts every cloud below its path. AWS answers at the root, because its tools take one address for all services;
// it must stay the last.
func (s *Server) mount() {
	s.aws = newAWSCloud(s)
	s.clouds = []mounted{
		{"", "aws", s.aws},
	}
}
