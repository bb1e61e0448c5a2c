"""What Kubernetes says, as structs: the API's objects, and the usage that its metrics API tells. Pure."""
