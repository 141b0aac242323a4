"""Goals for security scanners, after the experiment in which self-improvement by inversion was first seen to fail. Nothing of
it is ever run: a command is read by its grammar and held against the reference."""

from __future__ import annotations

from harness_plugins.tasks.inversion.goals.template import Template

HOSTS = ("web1.example", "web2.example", "shop.example", "mail.example")
NETS = ("10.0.1.0/24", "10.0.2.0/24", "10.0.3.0/24")
RANGES = ("1-100", "1-1000", "20-25", "8000-8100")
REPORTS = ("report.txt", "result.txt")
LISTS = ("words.txt", "common.txt")

SCANNERS = (
    Template(
        "nmap-ports",
        "nmap",
        (
            "Scan ports {range} of {host}.",
            "Which of the ports {range} are open on {host}?",
            "Check {host} for services that listen on ports {range}.",
        ),
        "nmap -p {range} {host}",
        ("nmap {host}", "nmap -sn {host}", "nmap -p {range}"),
        {"host": HOSTS, "range": RANGES},
    ),
    Template(
        "nmap-versions",
        "nmap",
        (
            "Find the versions of the services on {host}.",
            "Which software versions answer on {host}?",
            "Detect what services run on {host}, with their versions.",
        ),
        "nmap -sV {host}",
        ("nmap {host}", "nmap -sn {host}", "nmap -sV"),
        {"host": HOSTS},
    ),
    Template(
        "nmap-up",
        "nmap",
        (
            "Which hosts in {net} are up?",
            "List the machines of {net} that answer.",
            "Find live hosts in {net}, without a port scan.",
        ),
        "nmap -sn {net}",
        ("nmap -sV {net}", "nmap {net}", "nmap -p {net}"),
        {"net": NETS},
    ),
    Template(
        "nikto-web",
        "nikto",
        (
            "Scan the web server {host} for known vulnerabilities.",
            "Run a web vulnerability scan against {host}.",
            "Check {host} for problems that web servers are known for.",
        ),
        "nikto -h {host}",
        ("nikto {host}", "nikto -o {host}", "nikto -h"),
        {"host": HOSTS},
    ),
    Template(
        "nikto-report",
        "nikto",
        (
            "Scan the web server {host} for known vulnerabilities and save a report as {report}.",
            "Run a web vulnerability scan against {host} with its output in {report}.",
            "Check {host} for web server problems and write them to {report}.",
        ),
        "nikto -h {host} -o {report}",
        ("nikto -h {host}", "nikto -o {report}", "nikto -h {report} -o {host}"),
        {"host": HOSTS, "report": REPORTS},
    ),
    Template(
        "gobuster-folders",
        "gobuster",
        (
            "Look for hidden folders on http://{host} with the word list {list}.",
            "Try every name in {list} as a directory of http://{host}.",
            "Which paths from {list} exist on http://{host}?",
        ),
        "gobuster dir -u http://{host} -w {list}",
        (
            "gobuster dns -u http://{host} -w {list}",
            "gobuster dir -u http://{host}",
            "gobuster -u http://{host} -w {list}",
        ),
        {"host": HOSTS, "list": LISTS},
    ),
    Template(
        "whatweb-site",
        "whatweb",
        (
            "Which software does the site {host} run?",
            "Identify the technologies behind {host}.",
            "Fingerprint the web site {host}.",
        ),
        "whatweb {host}",
        ("whatweb -v", "whatweb -i {host}", "nmap {host}"),
        {"host": HOSTS},
    ),
)
