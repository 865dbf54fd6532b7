"""The JSON API of the roof: routes over several apps, and all of them as one."""
