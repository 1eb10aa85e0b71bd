"""How a server starts, reports its state, and stops: what an orchestrator and an operator see."""
