"""The reference table: loading files of known recordings, finding tracks among them, measuring how well."""
