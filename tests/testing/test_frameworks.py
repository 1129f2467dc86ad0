"""The examples of docs/frameworks.md, each in an application of its own, as they stand."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import dbsynth

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "frameworks.md").read_text()
ALEMBIC, DJANGO = re.findall(r"```python\n(.*?)```", PAGE, re.S)
SHOP = """
create table customer (id int primary key, email text not null unique);
create type state as enum ('open', 'paid');
create table orders (id int primary key, customer_id int not null references customer, state state not null,
                     price numeric(8, 2) not null, note text);
insert into customer select i, 'c' || i || '@mail.test' from generate_series(1, 60) i;
insert into orders select i, 1 + i % 60, (case when i % 3 = 0 then 'open' else 'paid' end)::state, i % 90, null
from generate_series(1, 200) i;
"""
MODELS = """
from sqlalchemy import ForeignKey, Numeric
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

class Base(DeclarativeBase):
    pass

class Order(Base):
    __tablename__ = "orders"
    id: Mapped[int] = mapped_column(primary_key=True)
    note: Mapped[str | None]
"""
REVISION = """
import sqlalchemy as sa
from alembic import op

revision, down_revision, branch_labels, depends_on = "1", None, None, None

def upgrade():
    op.create_table("customer", sa.Column("id", sa.Integer, primary_key=True), sa.Column("email", sa.Text))
    op.create_table(
        "orders", sa.Column("id", sa.Integer, primary_key=True), sa.Column("note", sa.Text),
        sa.Column("customer_id", sa.Integer, sa.ForeignKey("customer.id")), sa.Column("state", sa.String(9)),
    )
"""
SETTINGS = """
SECRET_KEY = "of no use"
INSTALLED_APPS = ["shop"]
DATABASES = {"default": {"ENGINE": "django.db.backends.postgresql", "NAME": "made by the runner"}}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
TEST_RUNNER = "shop.runner.SyntheticRows"
"""
DJANGO_MODELS = """
from django.db import models

class Customer(models.Model):
    email = models.EmailField(unique=True)
    class Meta:
        db_table = "customer"

class Order(models.Model):
    customer = models.ForeignKey(Customer, models.PROTECT)
    state = models.CharField(max_length=9)
    price = models.DecimalField(max_digits=8, decimal_places=2)
    note = models.TextField(null=True)
    refunded = models.BooleanField(default=False)
    class Meta:
        db_table = "orders"
"""
DJANGO_TESTS = """
from django.test import TestCase
from shop.models import Customer, Order

class Orders(TestCase):
    def test_rows_are_there(self):
        self.assertEqual((Customer.objects.count(), Order.objects.count()), (60, 200))
        self.assertEqual(set(Order.objects.values_list("state", flat=True)), {"open", "paid"})
        self.assertFalse(Order.objects.filter(refunded=True).exists())

    def change(self):
        self.assertEqual(Order.objects.filter(note="refunded").update(note=None), 0)
        customer = Customer.objects.order_by("id").first()
        Order.objects.update(note="refunded")
        Order.objects.create(customer=customer, state="open", price=1)

    test_a_change_is_taken_back = test_it_was_taken_back = change
"""


def run(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    own = {k: v for k, v in os.environ.items() if not k.startswith("PYTEST_")}
    own |= {"DBSYNTH_CACHE": str(folder / "cache"), "PYTHONPATH": f"{folder}:{os.environ.get('PYTHONPATH', '')}"}
    command = [sys.executable, "-m", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, env=own | environment)


@pytest.fixture
def application(database: str, execute: object, tmp_path: Path) -> Path:
    """A folder with a model of the shop and an empty package."""
    execute(SHOP)  # type: ignore[operator]
    dbsynth.fit(database, seed=1, strategy="independent", workers=1).save(tmp_path / "models" / "shop")
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "__init__.py").touch()
    return tmp_path


def test_alembic_and_sqlalchemy(application: Path, postgres_url: str) -> None:
    assert run(application, "alembic", "init", "migrations").returncode == 0
    (application / "migrations" / "versions" / "1_first.py").write_text(REVISION)
    (application / "shop" / "models.py").write_text(MODELS)
    (application / "test_orders.py").write_text(ALEMBIC)
    (application / "pytest.ini").write_text("[pytest]\n")
    done = run(application, "pytest", "-q", f"--dbsynth-server={postgres_url}")
    assert "2 passed" in done.stdout, done.stdout + done.stderr


def test_django(application: Path) -> None:
    shop = application / "shop"
    (application / "settings.py").write_text(SETTINGS)
    for name, text in (("models", DJANGO_MODELS), ("runner", DJANGO), ("tests", DJANGO_TESTS)):
        (shop / f"{name}.py").write_text(text)
    made = run(application, "django", "makemigrations", "shop", DJANGO_SETTINGS_MODULE="settings")
    assert (shop / "migrations" / "0001_initial.py").is_file(), made.stderr
    done = run(application, "django", "test", DJANGO_SETTINGS_MODULE="settings")
    assert done.returncode == 0, done.stderr
    assert "Ran 3 tests" in done.stderr
