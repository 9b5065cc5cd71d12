"""What every layer is made of: the call, the state, declared arguments, configs."""
