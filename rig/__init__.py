"""What tests, storms and benchmarks drive the product with: processes, tables, proxies, limits.

Nothing here waits for a time; everything waits for something to become visible. The rig imports the product;
tests, storms and benchmarks import the rig, and never each other.
"""
