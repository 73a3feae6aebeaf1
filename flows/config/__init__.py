"""What flows are told: one frozen pydantic model per flow, composed of the specs of the layers."""
