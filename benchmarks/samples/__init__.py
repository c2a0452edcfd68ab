"""Ready-made jobs on generated data: exactly the incidents that were planted are to be critical."""
