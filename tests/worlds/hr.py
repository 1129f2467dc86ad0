"""Departments, employees under managers who earn more, and a history of each one's salaries without gaps or overlap
whose last row is open until 9999-12-31 and current."""

from __future__ import annotations

import numpy as np
import pandas as pd

from tests.worlds.world import FOREVER, SIMULATED, Fact, Truth, World, cumulated, moments, position

DEPARTMENTS = 10
LEVELS = np.array([1, 8, 60, 531])
"""Employees by depth in the tree, at scale 1; those below the heads scale."""
P_SAME_DEPARTMENT = 0.9
TOP_SALARY, RATIO = 300_000, (0.5, 0.9)
"""An employee earns a uniform share of the manager's salary."""
CHANGES = 1.5
"""Mean of a Poisson number of raises."""
RAISE, RAISE_SPREAD = 0.06, 0.02
MONTHS = (12, 24)
"""Between two raises, uniform."""
DAY = 86_400

DDL = """
create table department (department_id int primary key, name varchar(40) not null);
create table employee (
    employee_id int primary key, department_id int not null references department,
    manager_id int references employee, hired date not null, salary numeric(10, 2) not null check (salary > 0));
create table salary_history (
    employee_id int not null references employee, valid_from date not null, valid_to date not null,
    is_current boolean not null, amount numeric(10, 2) not null, primary key (employee_id, valid_from),
    check (valid_from < valid_to));
create unique index on salary_history (employee_id) where is_current;
"""


def tables(scale: float, seed: int) -> dict[str, pd.DataFrame]:
    rng = np.random.default_rng(seed)
    levels = np.concatenate([LEVELS[:2], np.round(LEVELS[2:] * scale).astype(int)])
    ends = np.cumsum(levels)
    n = ends[-1]
    manager, department = np.full(n, -1), rng.integers(0, DEPARTMENTS, n)
    salary = np.full(n, TOP_SALARY * 100)
    for begin, end, above in zip(ends[:-1], ends[1:], np.concatenate([[0], ends[:-2]]), strict=True):
        rows = np.arange(begin, end)
        manager[rows] = rng.integers(above, begin, len(rows))
        same = rng.random(len(rows)) < P_SAME_DEPARTMENT
        other = (department[manager[rows]] + rng.integers(1, DEPARTMENTS, len(rows))) % DEPARTMENTS
        department[rows] = np.where(same, department[manager[rows]], other)
        salary[rows] = np.floor(salary[manager[rows]] * rng.uniform(*RATIO, len(rows))).astype(int)
    hired = rng.integers(0, 3650, n)

    counts = 1 + rng.poisson(CHANGES, n)
    of, place = np.repeat(np.arange(n), counts), position(counts)
    lengths = np.where(place == 0, 0, rng.integers(30 * MONTHS[0], 30 * MONTHS[1] + 1, len(of)))
    begin = hired[of] + cumulated(lengths, counts)
    last = place == counts[of] - 1
    raises = np.where(place == 0, 0.0, np.log1p(np.maximum(0.005, rng.normal(RAISE, RAISE_SPREAD, len(of)))))
    amount = np.round(salary[of] * 0.8 * np.exp(cumulated(raises, counts)))
    day = moments("2000-01-01", begin * DAY).dt.strftime("%Y-%m-%d")
    return {
        "department": pd.DataFrame(
            {"department_id": np.arange(1, DEPARTMENTS + 1), "name": [f"Department {i}" for i in range(DEPARTMENTS)]}
        ),
        "employee": pd.DataFrame(
            {
                "employee_id": np.arange(1, n + 1),
                "department_id": department + 1,
                "manager_id": pd.Series(manager + 1, dtype="Int64").mask(manager < 0),
                "hired": moments("2000-01-01", hired * DAY).dt.date,
                "salary": salary / 100,
            }
        ),
        "salary_history": pd.DataFrame(
            {
                "employee_id": of + 1,
                "valid_from": day,
                "valid_to": np.where(last, FOREVER, day.shift(-1)),
                "is_current": last,
                "amount": amount / 100,
            }
        ),
    }


MANAGED = "employee e join employee m on m.employee_id = e.manager_id"
TREE = """with recursive tree as (select employee_id, 0 as depth from employee where manager_id is null
union all select e.employee_id, depth + 1 from employee e join tree on e.manager_id = tree.employee_id
where depth < 50) """
SUCCESSIVE = """(select valid_from, valid_to, is_current, amount, employee_id, lead(valid_from) over family as next,
lag(valid_from) over family as previous, lag(amount) over family as earlier
from salary_history window family as (partition by employee_id order by valid_from)) h"""

TRUTHS = (
    Truth(
        "heads without a manager",
        "select count(*) from employee where manager_id is null",
        LEVELS[0], 0.5, "LEVELS",
    ),
    Truth(
        "mean depth",
        TREE + "select avg(depth) from tree",
        (LEVELS * np.arange(4)).sum() / LEVELS.sum(), 0.3, "LEVELS",
    ),
    Truth("P(depth = 3)", TREE + "select avg((depth = 3)::int) from tree", LEVELS[3] / LEVELS.sum(), 0.12, "LEVELS"),
    Truth(
        "P(manager's department)",
        f"select avg((e.department_id = m.department_id)::int) from {MANAGED}",
        P_SAME_DEPARTMENT, 0.12, "P_SAME_DEPARTMENT",
    ),
    Truth(
        "mean share of the manager's salary",
        f"select avg(e.salary / m.salary) from {MANAGED}",
        sum(RATIO) / 2, 0.1, "mean of RATIO",
    ),
    Truth(
        "managers among employees",
        "select count(distinct manager_id)::float / count(*) from employee",
        0.115, 0.03, SIMULATED,
    ),
    Truth(
        "salaries per employee",
        "select count(*)::float / count(distinct employee_id) from salary_history",
        1 + CHANGES, 0.25, "1 + CHANGES",
    ),
    Truth("mean raise", f"select avg(amount / earlier) - 1 from {SUCCESSIVE}", RAISE, 0.02, "RAISE"),
    Truth(
        "days between raises",
        f"select avg(valid_from - previous) from {SUCCESSIVE}",
        15 * sum(MONTHS), 40.0, "30 days × mean of MONTHS",
    ),
    Truth("P(the first day is that of hiring)", "select avg((hired = valid_from)::int) from employee join "
          "(select employee_id, min(valid_from) as valid_from from salary_history group by 1) h using (employee_id)",
          1.0, 0.05, "so made"),
    Truth(
        "first amount / salary",
        f"select avg(amount / salary) from {SUCCESSIVE} join employee using (employee_id) where previous is null",
        0.8, 0.06, "so made",
    ),
)  # fmt: skip

FACTS = (
    Fact("a manager earns more", f"select count(*) from {MANAGED} where e.salary >= m.salary"),
    Fact("managers form a tree", TREE + "select (select count(*) from employee) - count(*) from tree"),
    Fact(
        "valid_to is the next valid_from",
        f"select count(*) from {SUCCESSIVE} where next is not null and valid_to <> next",
    ),
    Fact(
        "the last one is open, no other",
        f"select count(*) from {SUCCESSIVE} where (next is null) <> (valid_to = '{FOREVER}')",
    ),
    Fact(
        "is_current: the open one",
        f"select count(*) from salary_history where is_current <> (valid_to = '{FOREVER}')",
    ),
    Fact(
        "one current row each",
        "select count(*) from (select 1 from salary_history group by employee_id having count(*) filter (where "
        "is_current) <> 1) h",
    ),
    Fact("salaries rise", f"select count(*) from {SUCCESSIVE} where amount <= earlier"),
    Fact(
        "every employee has a history",
        "select count(*) from employee where employee_id not in (select employee_id from salary_history)",
    ),
)  # fmt: skip

WORLD = World("hr", DDL, tables, TRUTHS, FACTS)
