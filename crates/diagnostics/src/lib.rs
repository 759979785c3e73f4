//! Where in which file, what is wrong, what to try: carets into YAML and PromQL, and the one door to YAML.
