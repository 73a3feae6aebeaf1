"""Single files looked into, without a lake: what would be indexed of them, or why not."""
